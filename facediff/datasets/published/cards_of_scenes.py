"""The cards of sets of scenes."""

from __future__ import annotations

from facediff.datasets.published.record import Card, Dataset
from facediff.datasets.published.scenes import (
    read_bair,
    read_catergen,
    read_cityscapes,
    read_davis,
    read_landscape,
    read_sky,
)

SCENES = (
    Dataset(
        read=read_davis,
        card=Card(
            name="davis",
            title="DAVIS 2017",
            about="Things that move, with masks.",
            size="150 sequences, 10,459 frames",
            licence="non-commercial research",
            access="davischallenge.org, open",
            people=False,
            split="train 60, val 30, test-dev 30, test-challenge 30; by sequence",
            traps=(
                "480p and Full-Resolution have the same names; the larger is read where both are there.",
                "Names repeat in lists of 2016, whose val is other than that of 2017.",
                "test-dev and test-challenge are archives of their own, both 'test' here; the label 'part' tells.",
            ),
            layout=(
                "JPEGImages/{480p,Full-Resolution}/{sequence}/{00000}.jpg",
                "Annotations/.../{00000}.png",
                "ImageSets/2017/{train,val,test-dev}.txt",
            ),
            sources=("https://davischallenge.org/davis2017/code.html",),
        ),
    ),
    Dataset(
        read=read_landscape,
        card=Card(
            name="landscape",
            title="Landscape",
            about="Nine scenes of nature whose sound is heard.",
            size="928 videos, 1,000 clips of 10 s",
            licence="not stated; videos are YouTube's",
            people=False,
            access="Google Drive of MM-Diffusion",
            split="train and test, by folder",
            traps=(
                "MM-Diffusion trains and tests on the train part alone: its figures are of that.",
                "Films are told apart by names without their last number, which is a guess of ours.",
            ),
            layout=("{train,test}/[{scene}/]{film}_{0}.mp4",),
            sources=("https://github.com/researchmm/MM-Diffusion",),
        ),
    ),
    Dataset(
        read=read_cityscapes,
        card=Card(
            name="cityscapes",
            title="Cityscapes sequences",
            about="Streets of 50 cities from a car, 2048x1024.",
            size="5,000 snippets of 30 frames, 324 GB",
            licence="non-commercial, registered",
            people=False,
            access="cityscapes-dataset.com, after registering; leftImg8bit_sequence_trainvaltest.zip",
            split="train, val, test, by city",
            traps=(
                "A drive is one snippet in most cities and hundreds in some: snippets are runs of 30 frame numbers.",
                "The plain package has the 20th frame of each snippet alone: those are counted and left out.",
                "17 frames a second.",
            ),
            layout=("leftImg8bit_sequence/{split}/{city}/{city}_{000000}_{000019}_leftImg8bit.png",),
            sources=("https://www.cityscapes-dataset.com/file-naming-and-usage/",),
        ),
    ),
    Dataset(
        read=read_sky,
        card=Card(
            name="sky",
            title="Sky Time-lapse",
            about="Clouds, many times faster.",
            size="2,617 stretches of 1,108 films, 640x360",
            licence="not stated; videos are YouTube's",
            access="Google Drive of MD-GAN",
            people=False,
            split="sky_train 997 films, sky_test 111",
            traps=(
                "Stretches are of 2 to more than 100 frames: papers take those of 32 or 16, and say how or not.",
                "Frames are named by number without a rate: no frames per second is given.",
            ),
            layout=("[sky_timelapse/]{sky_train,sky_test}/{film}/{film}_{1}/{film}_frames_{00000001}.jpg",),
            sources=("https://github.com/weixiong-ur/mdgan",),
        ),
    ),
    Dataset(
        read=read_catergen,
        card=Card(
            name="catergen",
            title="CATER-GEN",
            about="Rendered objects that are moved, with sentences that say how.",
            size="v1 5,000 and v2 30,000 videos, 256 px",
            licence="not stated",
            access="Google Drive of MAGE",
            people=False,
            split="train and test, as published",
            traps=(
                "v1 and v2 have the same names of files: give one of them.",
                "A video has an explicit and an ambiguous sentence, in tables of their own; both are read.",
            ),
            layout=(
                "videos/*.avi",
                "{train,test}_{explicit,ambiguous}.json",
            ),
            sources=("https://github.com/Youncy-Hu/MAGE",),
        ),
    ),
    Dataset(
        read=read_bair,
        card=Card(
            name="bair",
            title="BAIR robot pushing",
            about="A robot's arm that pushes things about, 64 px.",
            size="43,264 training and 256 test videos of 30 frames, 30 GB",
            licence="not stated; research",
            access="rail.eecs.berkeley.edu, open",
            split="train and test, by folder",
            people=False,
            traps=(
                "Files are TFRecords; they are read here without TensorFlow, the camera image_aux1 as everybody does.",
                "FVD is reported on 256 test videos, with 1 or 2 frames given, of 16 or 30 frames: say which.",
            ),
            layout=("softmotion30_44k/{train,test}/traj_{0}_to_{255}.tfrecords",),
            sources=("https://github.com/edenton/svg/blob/master/data/convert_bair.py",),
        ),
    ),
)
