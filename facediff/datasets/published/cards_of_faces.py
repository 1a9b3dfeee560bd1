"""The cards of sets of faces."""

from __future__ import annotations

from facediff.datasets.published.actors import read_cremad, read_mead, read_ravdess
from facediff.datasets.published.portraits import (
    read_celebvhq,
    read_celebvtext,
    read_hdtf,
    read_talkinghead1kh,
    read_talkvid,
    read_vfhq,
)
from facediff.datasets.published.record import Card, Dataset
from facediff.datasets.published.speakers import read_avspeech, read_grid, read_lrs2, read_lrs3, read_voxceleb2

_GONE = "Clips that the platform no longer has are counted, not replaced: say how many you had beside every figure."

FACES = (
    Dataset(
        read=read_hdtf,
        card=Card(
            name="hdtf",
            title="HDTF",
            about="Politicians and presenters who speak to the camera, 720p and 1080p.",
            size="370 videos, 421 clips in the lists, about 16 hours",
            licence="annotations CC BY 4.0; videos are YouTube's",
            access="lists on GitHub, videos from YouTube by a tool of your choice",
            split="none published; drawn by speaker",
            traps=(
                "The tables spell annotation 'annotion', and count clips from 0.",
                "Windows are left, width, top, height, in that order, for the height that *_resolution.txt tells.",
                "A speaker has many videos: the speaker is the video's name without its number, and splits go by that.",
                (
                    "All videos of RD are called Radio and a number, though several people speak in them: they count "
                    "as one speaker, so that nobody is in two splits."
                ),
                "Some clips have no window: cut ones are read, of whole videos they are left out and counted.",
                "Papers that report on HDTF each drew a split of their own.",
                _GONE,
            ),
            layout=(
                "HDTF_dataset/{RD,WDA,WRA}_{annotion_time,crop_wh,resolution}.txt",
                "{part}_{video}_{000}.mp4    cut clips",
                "_videos_raw/{part}_{video}.mp4    or whole videos",
            ),
            sources=("https://github.com/MRzzm/HDTF", "https://github.com/universome/HDTF/blob/main/download.py"),
        ),
    ),
    Dataset(
        read=read_voxceleb2,
        card=Card(
            name="voxceleb2",
            title="VoxCeleb2",
            about="Interviews of celebrities, cut to one speaking face, 224 px.",
            size="6,112 people, 1.13 million utterances, 2,442 hours",
            licence="metadata CC BY 4.0; videos are YouTube's",
            access="a form of the Visual Geometry Group, Oxford; mirrors come and go",
            split="dev, 5,994 people, and test, 118; read from vox2_meta.csv, else from the folder",
            traps=(
                "Names and values of vox2_meta.csv end in blanks.",
                (
                    "The archive of the test part unpacks to mp4/ and not to test/mp4/: without the table its people "
                    "would be drawn."
                ),
                "The sound is in archives of its own (aac/, m4a); where they are not there, the clip's own is used.",
                "Crops were compressed twice and are 224 px wide: teeth are blurred in them.",
            ),
            layout=(
                "vox2_meta.csv",
                "[dev/|test/]mp4/{id00012}/{video}/{00001}.mp4",
                "[dev/|test/]aac/{id00012}/{video}/{00001}.m4a",
            ),
            sources=(
                "https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox2.html",
                "https://www.openslr.org/49/",
            ),
        ),
    ),
    Dataset(
        read=read_mead,
        card=Card(
            name="mead",
            title="MEAD",
            about="Actors with eight emotions at three levels, from seven sides.",
            size="60 actors, 8 emotions at 3 levels, 7 views",
            licence="research only",
            access="project page; the first part is open",
            split="none of people published; drawn by actor",
            traps=(
                "Neutral has level 1 alone.",
                "The authors test on sentences, with actors who were trained on; here actors are kept apart.",
                "Sound lies apart (audio/, m4a), once for all seven views.",
                "Archives of an actor unpack to video/ and audio/: unpack each into a folder of the actor's name.",
            ),
            layout=(
                "{M003}/video/{front}/{angry}/level_{1}/{001}.mp4",
                "{M003}/audio/{angry}/level_{1}/{001}.m4a",
            ),
            sources=("https://wywu.github.io/projects/MEAD/MEAD.html", "https://github.com/uniBruce/Mead"),
        ),
    ),
    Dataset(
        read=read_celebvhq,
        card=Card(
            name="celebvhq",
            title="CelebV-HQ",
            about="Celebrities in clips of 3 to 20 s, 83 attributes, 512 px and more.",
            size="35,666 clips, 15,653 people, 68 hours",
            licence="non-commercial research",
            access="list on GitHub, videos from YouTube by the authors' script",
            split="none published; drawn by video, as people are not named",
            traps=(
                "The script downloads and leaves cutting commented out: raw/ may be all that there is.",
                (
                    "Windows are shares of the frame. The script widens them by 0.02 and makes them square; here "
                    "they are as listed."
                ),
                "The same person may be in several videos, which a split by video does not see.",
                _GONE,
            ),
            layout=(
                "celebvhq_info.json",
                "[downloaded_celebvhq/]processed/{clip}.mp4    cut clips",
                "[downloaded_celebvhq/]raw/{video}.mp4    or whole videos",
            ),
            sources=("https://github.com/CelebV-HQ/CelebV-HQ",),
        ),
    ),
    Dataset(
        read=read_celebvtext,
        card=Card(
            name="celebvtext",
            title="CelebV-Text",
            about="Faces in clips with 20 generated texts each.",
            size="70,000 clips, 279 hours",
            licence="non-commercial research; no copies outside of one site",
            access="list and texts on Google Drive, videos from YouTube by the authors' script",
            split="none published; drawn by video, as people are not named",
            traps=(
                "Windows are pixels here, and shares in CelebV-HQ.",
                "Times are called start_sec in most rows and start_frame in some: they are seconds in both.",
                "Texts are made from attributes by templates: they repeat.",
                _GONE,
            ),
            layout=(
                "celebvtext_info.json",
                "[downloaded_celebvtext/]{processed,raw}/...    as in CelebV-HQ",
                "descriptions/{kind}/{clip}.txt    a text a line",
            ),
            sources=("https://github.com/celebv-text/CelebV-Text",),
        ),
    ),
    Dataset(
        read=read_talkinghead1kh,
        card=Card(
            name="talkinghead1kh",
            title="TalkingHead-1KH",
            about="Talking heads of videos under CC BY.",
            size="500,000 clips, 80,000 of 512 px and more",
            commercial=True,
            licence="videos CC BY 3.0, lists MIT",
            access="lists on GitHub, videos from YouTube by the authors' scripts",
            split="train and val, as published; small counts as train",
            traps=(
                (
                    "The authors' script crops the picture and leaves the sound behind: cut clips are silent, "
                    "1min_clips are not."
                ),
                "Times are frames of the minute, the last one included; windows are for the size that the list gives.",
                "The last four digits of a name are the minute: minutes of one video are one identity.",
                _GONE,
            ),
            layout=(
                "data_list/{train,val,small}_video_tubes.txt",
                "{part}/cropped_clips/{video}_{0000}_S0_E96_L0_T0_R512_B512.mp4",
                "{part}/1min_clips/{video}_{0000}.mp4    or the minutes",
            ),
            sources=("https://github.com/tcwang0509/TalkingHead-1KH",),
        ),
    ),
    Dataset(
        read=read_vfhq,
        card=Card(
            name="vfhq",
            title="VFHQ",
            about="Interviews at high resolution, made for face restoration.",
            size="more than 16,000 clips; 50 for testing",
            licence="research only",
            access="project page: frames, or lists and YouTube",
            split="the test clips, by their folder; the rest drawn by video",
            traps=(
                "Clips are folders of frames and have no sound; sound needs the whole videos.",
                "The test set comes in several sizes (Interval1_512x512_LANCZOS4 is one): give one of them.",
                "People are numbered within a video (P0): the identity is the video.",
                _GONE,
            ),
            layout=(
                "meta_info/Clip+{video}+P0+C0+F10-154.txt    H, W, FPS, CROP",
                "**/Clip+{video}+P0+C0+F10-154/*.png    frames",
                "data/youtube_videos/{video}.mp4    or whole videos",
            ),
            sources=(
                "https://liangbinxie.github.io/projects/vfhq/",
                "https://github.com/yunyu/vfhq-downloader",
            ),
        ),
    ),
    Dataset(
        read=read_cremad,
        card=Card(
            name="cremad",
            title="CREMA-D",
            about="Actors who say twelve sentences with six emotions, in front of green.",
            size="7,442 clips, 91 actors, 7.6 GB",
            licence="ODbL 1.0, contents DbCL 1.0",
            commercial=True,
            access="GitHub, with git-LFS",
            split="none published; drawn by actor",
            traps=(
                "Without git-LFS the clips are text files of 130 bytes; they are counted and left out.",
                "Videos are Flash (flv) at 480x360 and 29.97 frames a second; the clean sound is in AudioWAV.",
                "One clip has the level X where others have XX.",
            ),
            layout=(
                "VideoFlash/{1001}_{DFA}_{ANG}_{XX}.flv",
                "AudioWAV/{1001}_{DFA}_{ANG}_{XX}.wav",
                "VideoDemographics.csv",
            ),
            sources=("https://github.com/CheyneyComputerScience/CREMA-D",),
        ),
    ),
    Dataset(
        read=read_grid,
        card=Card(
            name="grid",
            title="GRID",
            about="Six words in a fixed order, in front of blue, three seconds each.",
            size="34 talkers, 1,000 sentences each, 27.5 hours; 33 with video",
            licence="research; CC BY 4.0 on Zenodo",
            access="University of Sheffield, or Zenodo 3625687",
            split="talkers 1, 2, 20 and 22 test, as LipNet has it",
            traps=(
                "Zenodo's videos are folders of jpg frames, 75 each, without sound: take audio_25k with them.",
                "Alignments count in 25,000ths of a second.",
                "Talker 21 has no video.",
                "Some sentences of Sheffield's archives are damaged.",
            ),
            layout=(
                "s{1}/**/{bbaf2n}.mpg    Sheffield",
                "s{1}/{bbaf2n}/*.jpg, audio_25k/s{1}/{bbaf2n}.wav    Zenodo",
                "alignments/s{1}/{bbaf2n}.align",
            ),
            sources=("https://zenodo.org/records/3625687", "https://spandh.dcs.shef.ac.uk/gridcorpus/"),
        ),
    ),
    Dataset(
        read=read_ravdess,
        card=Card(
            name="ravdess",
            title="RAVDESS",
            about="Actors who say and sing two sentences with eight emotions, 720p.",
            size="7,356 files, 24 actors, 24.8 GB",
            licence="CC BY-NC-SA 4.0",
            access="Zenodo 1188976, open",
            split="none published; drawn by actor",
            traps=(
                (
                    "Files that begin with 02 are those that begin with 01, without their sound: a count has each "
                    "take twice."
                ),
                "Neutral has no strong level; song lacks disgust, surprise and actor 18.",
                "24 actors are few: what a hash puts into test may be one or two.",
            ),
            layout=("[Video_Speech_Actor_01/]Actor_{01}/{01-01-06-01-02-01-12}.mp4",),
            sources=("https://zenodo.org/records/1188976",),
        ),
    ),
    Dataset(
        read=read_lrs2,
        card=Card(
            name="lrs2",
            title="LRS2",
            about="Sentences of British television, 160 px.",
            size="195 hours to pretrain, 29 to train, half an hour to test",
            licence="academic research under a signed agreement",
            access="an agreement with the BBC",
            split="pretrain and train, val, test, as published; by date of broadcast",
            traps=(
                "Who speaks is not said: a presenter may be in train and test.",
                "The lists lie beside mvlrs_v1, and their lines end in more than the name.",
                "Faces are about 80 px wide.",
            ),
            layout=(
                "{train,val,test,pretrain}.txt",
                "mvlrs_v1/{main,pretrain}/{programme}/{00001}.{mp4,txt}",
            ),
            sources=(
                "https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrs2.html",
                "https://github.com/mpc001/auto_avsr/blob/main/preparation/preprocess_lrs2lrs3.py",
            ),
        ),
    ),
    Dataset(
        read=read_lrs3,
        card=Card(
            name="lrs3",
            title="LRS3",
            about="Talks of TED and TEDx, 224 px.",
            size="407 hours to pretrain, 30 to train, one to test",
            licence="CC BY-NC-ND 4.0, as TED's",
            access="Visual Geometry Group, Oxford; no longer given out at times",
            split="pretrain and trainval, test, as published",
            traps=(
                "In the first version speakers of test are in trainval too: take 0.4.",
                "Texts of pretrain name each word's time; those of the rest do not.",
            ),
            layout=("{pretrain,trainval,test}/{speaker}/{00001}.{mp4,txt}",),
            sources=(
                "https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrs3.html",
                "https://github.com/mpc001/auto_avsr/blob/main/preparation/preprocess_lrs2lrs3.py",
            ),
        ),
    ),
    Dataset(
        read=read_avspeech,
        card=Card(
            name="avspeech",
            title="AVSpeech",
            about="One visible speaker and no other sound, 3 to 10 s.",
            size="about 4,700 hours, 150,000 speakers",
            licence="annotations CC BY 4.0; videos are YouTube's",
            access="two tables of Google, videos from YouTube by a tool of your choice",
            split="train and test, as published",
            traps=(
                "The tables have no names of columns: video, start, end, x, y of the face's centre.",
                "Tools name clips by the digits of the table; a tool that rounds them makes clips that are not found.",
                "Faces are not cut out: others may be in the picture.",
                _GONE,
            ),
            layout=(
                "avspeech_{train,test}.csv",
                "{train,test}/{video}_{start}_{end}.mp4    cut clips",
                "{train,test}/{video}.mp4    or whole videos",
            ),
            sources=(
                "https://looking-to-listen.github.io/avspeech/",
                "https://github.com/naba89/AVSpeechDownloader",
            ),
        ),
    ),
    Dataset(
        read=read_talkvid,
        card=Card(
            name="talkvid",
            title="TalkVid",
            about="Upper bodies of people who speak 15 languages, 1080p and 2160p.",
            size="7,729 people, 1,244 hours",
            licence="CC BY-NC 4.0",
            access="lists on Hugging Face, videos from YouTube by the authors' script",
            split="none published; drawn by person, as numbered in the list",
            traps=(
                (
                    "The script cuts near key frames unless told to be strict: sound and picture stay together, "
                    "times do not."
                ),
                "The script keeps video and sound as files of their own besides the clip.",
                _GONE,
            ),
            layout=(
                "{list}.json",
                "**/{video}_{001}_{start}_{end}.mp4    as the script names them",
                "**/{id}.mp4    or by the list's id",
            ),
            sources=("https://github.com/FreedomIntelligence/TalkVid",),
        ),
    ),
)
