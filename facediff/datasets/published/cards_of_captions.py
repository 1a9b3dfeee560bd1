"""The cards of sets of captions."""

from __future__ import annotations

from facediff.datasets.published.captions import read_hdvila, read_laion, read_msrvtt, read_webvid
from facediff.datasets.published.record import Card, Dataset

CAPTIONS = (
    Dataset(
        read=read_webvid,
        card=Card(
            name="webvid",
            title="WebVid-10M",
            about="Stock footage with its titles.",
            size="10.7 million clips, 52,000 hours",
            licence="terms of the stock agency; withdrawn",
            people=False,
            access="no longer given out since 2024; only for who has it",
            split="train and val, as published",
            traps=(
                "Every clip has a watermark, and models draw it.",
                "The subset of 2.5 million has tables of the same form; both are read where both lie there.",
                "Clips are silent.",
            ),
            layout=(
                "[metadata/]results_{2M,10M}_{train,val}.csv",
                "videos/{page_dir}/{videoid}.mp4",
            ),
            sources=(
                "https://github.com/m-bain/webvid",
                "https://github.com/m-bain/frozen-in-time/blob/main/data_loader/WebVid_dataset.py",
            ),
        ),
    ),
    Dataset(
        read=read_msrvtt,
        card=Card(
            name="msrvtt",
            title="MSR-VTT",
            about="Clips of 20 categories, 20 sentences each.",
            size="10,000 clips, 41 hours",
            licence="research only; videos are YouTube's",
            access="Microsoft's page is gone; mirrors",
            people=False,
            split="6,513 train, 497 val, 2,990 test, as published",
            traps=(
                "Start and end times are those of the video that a clip was cut from, not of the clip.",
                "Clips of one video are in train and test: what is called the identity tells.",
                "Retrieval papers use a test of 1,000 clips (1k-A) that is none of the published parts.",
            ),
            layout=(
                "{train_val,test}_videodatainfo.json",
                "{TrainValVideo,TestVideo}/{video0}.mp4",
            ),
            sources=("https://github.com/ArrowLuo/CLIP4Clip/blob/master/dataloaders/dataloader_msrvtt_retrieval.py",),
        ),
    ),
    Dataset(
        read=read_hdvila,
        card=Card(
            name="hdvila",
            title="HD-VILA-100M",
            about="720p footage of YouTube with what is said in it.",
            size="3.1 million videos, 100 million clips, 371,500 hours",
            licence="research only, as its LICENSE says",
            access="lists of Microsoft, videos from YouTube by the authors' script",
            people=False,
            split="none published; drawn by video",
            traps=(
                "The script cuts without coding anew: clips begin at the key frame before their time.",
                "The texts, of a speech recogniser, are a download of their own and are not read here.",
                "Clips that the platform no longer has are counted, not replaced.",
            ),
            layout=(
                "[metafiles/]*.jsonl",
                "video_clips/{video}/{video}.{1}.mp4    cut clips",
                "download_videos/{video}.mp4    or whole videos",
            ),
            sources=("https://github.com/microsoft/XPretrain/tree/main/hd-vila-100m",),
        ),
    ),
    Dataset(
        read=read_laion,
        card=Card(
            name="laion",
            title="LAION-400M",
            about="Pictures of the web with their alternative texts.",
            size="413 million pairs",
            licence="list CC BY 4.0; pictures are their owners'",
            people=False,
            access="the list was withdrawn in 2023; for who has shards",
            split="none published; drawn by address",
            traps=(
                "Lists of LAION held addresses of child abuse: use none that Re-LAION has not cleaned.",
                "Links die, and what they lead to changes: failures are counted by the shards' own statistics.",
                "Shards are read as they are; a picture's member is its name in the shard.",
            ),
            layout=(
                "{00000}.tar    {key}.jpg, {key}.txt, {key}.json in each",
                "{00000}/{key}.{jpg,txt,json}    or folders",
                "{00000}_stats.json",
            ),
            sources=("https://laion.ai/blog/relaion-5b/", "https://github.com/rom1504/img2dataset"),
        ),
    ),
)
