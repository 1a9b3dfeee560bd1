"""The cards of sets of bodies."""

from __future__ import annotations

from facediff.datasets.published.bodies import read_human36m, read_kth, read_mhad, read_mpii, read_taichi, read_ucf101
from facediff.datasets.published.record import Card, Dataset

BODIES = (
    Dataset(
        read=read_taichi,
        card=Card(
            name="taichi",
            title="Taichi-HD",
            about="People who do tai chi, seen whole.",
            size="3,049 training and 285 test clips",
            licence="list only; videos are YouTube's",
            access="list on GitHub, videos from YouTube by the authors' script",
            split="train and test, by the list's partition or by the folder",
            traps=(
                "The first list has no column 'partition', which the authors' script asks for; the later one has it.",
                "Start and end are frames at the list's rate; windows are left-top-right-bottom in its size.",
                "Clips that the platform no longer has are counted, not replaced: the published test set shrinks.",
            ),
            layout=(
                "taichi-metadata*.csv",
                "[taichi/]{train,test}/{video}#{000080}#{000300}.mp4    or folders of png",
                "youtube-taichi/{video}.mp4    or whole videos",
            ),
            sources=("https://github.com/AliaksandrSiarohin/video-preprocessing",),
        ),
    ),
    Dataset(
        read=read_human36m,
        card=Card(
            name="human36m",
            title="Human3.6M",
            about="Fifteen actions before four cameras, 50 frames a second.",
            size="3.6 million frames, 7 people with poses",
            licence="academic, non-commercial, registered",
            access="vision.imar.ro, after registering",
            split="S1, 5, 6, 7, 8 train; S9 and S11 test, as is usual",
            traps=(
                "Films called _ALL are of calibration, and are left out.",
                "Names have blanks, and a number for the second take; 'WalkDog' and 'WalkingDog' are one.",
                "Poses are files of CDF and are not read here.",
            ),
            layout=("S{1}/Videos/{Directions 1}.{54138969}.mp4",),
            sources=("http://vision.imar.ro/human3.6m/description.php", "https://github.com/anibali/h36m-fetch"),
        ),
    ),
    Dataset(
        read=read_mpii,
        card=Card(
            name="mpii",
            title="MPII Human Pose",
            about="Stills of people in 410 activities.",
            size="25,000 pictures, 12.9 GB",
            licence="simplified BSD for annotations; pictures are YouTube's",
            access="human-pose.mpi-inf.mpg.de, open",
            split="img_train of the table: train and test",
            traps=(
                "Joints of test pictures are not published.",
                "Pictures are frames of videos: the identity is the video's number, where the table has it.",
            ),
            layout=(
                "images/{015601864}.jpg",
                "mpii_human_pose_v1_u12_1.mat",
            ),
            sources=("http://human-pose.mpi-inf.mpg.de/#download",),
        ),
    ),
    Dataset(
        read=read_ucf101,
        card=Card(
            name="ucf101",
            title="UCF-101",
            about="Actions of 101 classes, 320x240.",
            size="13,320 clips, 27 hours",
            licence="not stated; videos are YouTube's",
            access="crcv.ucf.edu, open",
            split="split 01 of three, as published",
            traps=(
                "One class is spelt HandStandPushups in names of files and HandstandPushups elsewhere.",
                "FVD papers train on train, on train and test, or on all: say which. This reads split 01.",
                "Clips of a group (g01) share people and place: the identity is class and group.",
            ),
            layout=(
                "UCF-101/{class}/v_{class}_g{01}_c{01}.avi",
                "ucfTrainTestlist/{train,test}list01.txt",
            ),
            sources=(
                "https://www.crcv.ucf.edu/data/UCF101.php",
                "https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.UCF101.html",
            ),
        ),
    ),
    Dataset(
        read=read_kth,
        card=Card(
            name="kth",
            title="KTH actions",
            about="Six actions in grey, 160x120.",
            size="599 films, 25 people, 2,391 stretches",
            licence="not stated; research",
            access="csc.kth.se, open",
            split="persons 11 to 18 train, eight val, nine test, as published",
            traps=(
                "person13_handclapping_d3 does not exist: 599 films, not 600.",
                "00sequences.txt counts frames from 1, the last included; here they are from 0, and the end is not.",
                "Video-prediction papers split persons 1 to 16 and 17 to 25 instead.",
            ),
            layout=(
                "[{action}/]person{01}_{boxing}_d{1}_uncomp.avi",
                "00sequences.txt",
            ),
            sources=("https://www.csc.kth.se/cvap/actions/",),
        ),
    ),
    Dataset(
        read=read_mhad,
        card=Card(
            name="mhad",
            title="UTD-MHAD",
            about="27 actions of 8 people, in one room.",
            size="861 films",
            licence="not stated; research",
            access="personal.utdallas.edu/~kehtar, open",
            split="odd subjects train, even ones test, as in the authors' paper",
            traps=(
                "Berkeley MHAD is another set: video papers that say MHAD mean this one.",
                "Three films of 864 are damaged and were left out by the authors.",
                "LFDM draws a split of its own.",
            ),
            layout=("[RGB/]a{1}_s{1}_t{1}_color.avi",),
            sources=("https://personal.utdallas.edu/~kehtar/UTD-MHAD.html", "https://github.com/nihaomiao/CVPR23_LFDM"),
        ),
    ),
)
