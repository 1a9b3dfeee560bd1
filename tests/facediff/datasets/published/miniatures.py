"""Miniature sets, laid out as the published ones are: a few tiny clips, and lists as their authors write them."""

from __future__ import annotations

import json
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

SIZE = (64, 48)


class Layer:
    """Lays files into a folder, all of them copies of one clip."""

    def __init__(self, root: Path, clip: Path) -> None:
        self.root, self._clip = root, clip

    def videos(self, *names: str) -> None:
        for name in names:
            self._place(name).write_bytes(b"") if name.endswith(".empty") else shutil.copy(
                self._clip, self._place(name)
            )

    def text(self, name: str, *lines: str) -> None:
        self._place(name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def json(self, name: str, value: object) -> None:
        self.text(name, json.dumps(value))

    def pictures(self, folder: str, *names: str) -> None:
        for name in names:
            Image.new("RGB", SIZE, (90, 120, 150)).save(self._place(f"{folder}/{name}"))

    def _place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def hdtf(lay: Layer) -> None:
    for part, video in (("RD", "Radio11"), ("WDA", "BarackObama_000"), ("WRA", "EricCantor_000")):
        lay.text(f"HDTF_dataset/{part}_annotion_time.txt", f"{video}.mp4 00:00-00:01 0:00-0:02")
        lay.text(f"HDTF_dataset/{part}_crop_wh.txt", f"{video}_0.mp4 16 32 8 32", f"{video}_1.mp4 0 32 0 32")
    lay.videos("RD_Radio11_000.mp4", "_videos_raw/WDA_BarackObama_000.mp4")


def voxceleb2(lay: Layer) -> None:
    lay.text(
        "vox2_meta.csv", "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set ", "id00012 ,n000012 ,m ,dev ", "id00017 ,n1 ,f ,test "
    )
    lay.videos(
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", "dev/aac/id00012/21Uxsk56VDQ/00001.m4a", "mp4/id00017/0cZ/00003.mp4"
    )


def mead(lay: Layer) -> None:
    lay.videos(
        "M003/video/front/angry/level_1/001.mp4",
        "M003/audio/angry/level_1/001.m4a",
        "W009/video/left_30/neutral/level_1/002.mp4",
    )


def celebvhq(lay: Layer) -> None:
    row = {"ytb_id": "M2Ohb0FAaJU", "duration": {"start_sec": 0.2, "end_sec": 0.6},
           "bbox": {"top": 0.0, "bottom": 0.5, "left": 0.25, "right": 0.75},
           "attributes": {"appearance": [1, 0], "action": [0]}}  # fmt: skip
    gone = {**row, "ytb_id": "gone"}
    lay.json("celebvhq_info.json", {
        "meta_info": {"appearance_mapping": ["blurry", "male"], "action_mapping": ["blow"]},
        "clips": {"M2Ohb0FAaJU_1": row, "M2Ohb0FAaJU_2": row, "gone_0": gone},
    })  # fmt: skip
    lay.videos("processed/M2Ohb0FAaJU_1.mp4", "raw/M2Ohb0FAaJU.mp4")


def celebvtext(lay: Layer) -> None:
    box = {"top": 0, "bottom": 24, "left": 16, "right": 48}
    lay.json("celebvtext_info.json", {"clips": {
        "0-5BrmyFsYM_0": {"ytb_id": "0-5BrmyFsYM", "duration": {"start_sec": 0.0, "end_sec": 0.4}, "bbox": box},
        "00-30GQl0TM_7": {"ytb_id": "00-30GQl0TM", "duration": {"start_frame": 0.2, "end_frame": 0.6}, "bbox": box},
    }})  # fmt: skip
    lay.videos("downloaded_celebvtext/processed/0-5BrmyFsYM_0.mp4", "downloaded_celebvtext/raw/00-30GQl0TM.mp4")
    lay.text("descriptions/emotion/0-5BrmyFsYM_0.txt", "She is happy.", "", "She turns neutral.")


def talkinghead1kh(lay: Layer) -> None:
    lay.text(
        "data_list/train_video_tubes.txt",
        "aaaaaaaaaaa_0000,48,64,5,9,0,0,32,32",
        "aaaaaaaaaaa_0001,96,128,0,4,32,0,96,64",
    )
    lay.text("data_list/val_video_tubes.txt", "bbbbbbbbbbb_0003,48,64,0,4,0,0,32,32")
    lay.videos(
        "train/cropped_clips/aaaaaaaaaaa_0000_S5_E9_L0_T0_R32_B32.mp4",
        "train/1min_clips/aaaaaaaaaaa_0001.mp4",
        "val/1min_clips/other.mp4",
    )


def vfhq(lay: Layer) -> None:
    table = ("URL: x", "H 96", "W 128", "FPS 25.0", "", "CROP 32 0 96 64")
    lay.text("meta_info/Clip+-2uuCM9Q5Gc+P0+C0+F5-10.txt", *table)
    lay.videos("data/youtube_videos/-2uuCM9Q5Gc.mp4")
    lay.pictures("VFHQ-Test/GT/Interval1_512x512_LANCZOS4/Clip+x1+P0+C1+F0-3", "00000000.png", "00000001.png")


def cremad(lay: Layer) -> None:
    lay.videos("VideoFlash/1001_DFA_ANG_XX.flv", "AudioWAV/1001_DFA_ANG_XX.wav", "VideoFlash/1002_IEO_SAD_HI.flv")
    lay.text("VideoFlash/1003_IEO_HAP_LO.flv", "version https://git-lfs.github.com/spec/v1", "oid sha256:0", "size 1")
    lay.text("VideoDemographics.csv", "ActorID,Age,Sex,Race,Ethnicity", "1001,51,Male,Caucasian,Not Hispanic")


def grid(lay: Layer) -> None:
    lay.videos("s1/video/mpg_6000/bbaf2n.mpg")
    lay.pictures("s3/lbwy5a", "frame_0.jpg", "frame_1.jpg")
    lay.videos("audio_25k/s3/lbwy5a.wav")
    lay.text("alignments/s1/bbaf2n.align", "0 25000 sil", "25000 29500 bin", "29500 50000 blue", "50000 74500 sil")


def ravdess(lay: Layer) -> None:
    lay.videos("Video_Speech_Actor_01/Actor_01/01-01-03-02-01-01-01.mp4", "Actor_02/02-01-01-01-02-02-02.mp4")


def lrs2(lay: Layer) -> None:
    lay.text("train.txt", "5535415699068794046/00001")
    lay.text("val.txt", "5535415699068794046/00002")
    lay.text("test.txt", "6330311066473698535/00011 NF 1234", "6330311066473698535/00099 NF 1")
    names = (
        "main/5535415699068794046/00001",
        "main/5535415699068794046/00002",
        "main/6330311066473698535/00011",
        "pretrain/77/00005",
    )
    lay.videos(*(f"mvlrs_v1/{name}.mp4" for name in names))
    lay.text("mvlrs_v1/main/5535415699068794046/00001.txt", "Text:  WHEN YOU'RE COOKING", "Conf:  4")


def lrs3(lay: Layer) -> None:
    lay.videos("pretrain/00j9bKdiOjk/00001.mp4", "trainval/0af00UcTOSc/50001.mp4", "test/0Fi83BHQsMA/00002.mp4")
    lay.text(
        "test/0Fi83BHQsMA/00002.txt",
        "Text:  IT IS",
        "Conf:  5",
        "Ref:  0Fi83BHQsMA",
        "",
        "FRAME X Y W H",
        "000001 0.1 0.1 0.2 0.2",
    )


def avspeech(lay: Layer) -> None:
    lay.text(
        "avspeech_train.csv",
        "0BHPxT4BR4Y,90.000000,94.080000,0.5,0.3",
        "gone,0.000000,3.0,0.5,0.5",
        "wholeVideo1,0.200000,0.600000,0.4,0.4",
    )
    lay.text("avspeech_test.csv", "u5MPyrRJPmc,1.000000,4.000000,0.5,0.5")
    lay.videos(
        "train/0BHPxT4BR4Y_90.000000_94.080000.mp4", "train/wholeVideo1.mp4", "test/u5MPyrRJPmc_1.000000_4.000000.mp4"
    )


def talkvid(lay: Layer) -> None:
    info = {
        "Person ID": "597",
        "Gender": "Male",
        "Language": "English",
        "Video Link": "https://www.youtube.com/watch?v=Tr6MMsoWAog",
    }
    row = {
        "id": "videovideoTr6MMsoWAog-scene1-scene1",
        "fps": 24.0,
        "start-time": 0.1,
        "end-time": 5.141666,
        "info": info,
        "description": "A man.",
    }
    lay.json("filtered_video_clips.json", [row, {**row, "id": "two", "start-time": 9.0, "end-time": 12.0}])
    lay.videos("output/Tr6MMsoWAog/Tr6MMsoWAog_001_0.100_5.142.mp4")


def webvid(lay: Layer) -> None:
    header = "videoid,contentUrl,duration,page_dir,name"
    lay.text(
        "results_10M_train.csv",
        header,
        '1066674784,https://x/a.mp4,PT00H00M10S,000001_000050,"Merida, mexico"',
        "7,https://x,PT1S,000001_000050,Gone",
    )
    lay.text("results_10M_val.csv", header, "21179416,https://x/b.mp4,PT00H00M11S,020001_020050,Aerial shot")
    lay.videos("videos/000001_000050/1066674784.mp4", "videos/020001_020050/21179416.mp4")


def msrvtt(lay: Layer) -> None:
    def row(name, split):
        return {
            "video_id": name,
            "category": 9,
            "url": "https://www.youtube.com/watch?v=9lZi22qLlEo",
            "start time": 137.72,
            "end time": 149.44,
            "split": split,
        }

    lay.json("train_val_videodatainfo.json", {
        "videos": [row("video0", "train"), row("video6513", "validate")],
        "sentences": [{"video_id": "video0", "caption": "a car", "sen_id": 1},
                      {"video_id": "video0", "caption": "a fast car", "sen_id": 2}],
    })  # fmt: skip
    lay.json("test_videodatainfo.json", {"videos": [row("video7010", "test")], "sentences": []})
    lay.videos("TrainValVideo/video0.mp4", "TrainValVideo/video6513.mp4", "TestVideo/video7010.mp4")


def hdvila(lay: Layer) -> None:
    clips = [
        {"clip_id": "QMi8x8o55Ns.1.mp4", "span": ["00:00:00.200", "00:00:00.600"]},
        {"clip_id": "QMi8x8o55Ns.2.mp4", "span": ["00:00:17.759", "00:00:23.279"]},
    ]
    lay.text(
        "metafiles/meta_part0.jsonl",
        json.dumps({"video_id": "QMi8x8o55Ns", "url": "x", "clip": clips}),
        json.dumps({"video_id": "gone", "clip": clips[:1]}),
    )
    lay.videos("download_videos/QMi8x8o55Ns.mp4", "video_clips/QMi8x8o55Ns/QMi8x8o55Ns.2.mp4")


def laion(lay: Layer) -> None:
    lay.pictures("00001", "000010000.jpg")
    lay.json("00001/000010000.json", {"caption": "a cat", "url": "http://x/cat.jpg", "NSFW": "UNLIKELY"})
    with tarfile.open(lay.root / "00000.tar", "w") as archive:
        for key in ("000000001", "000000002"):
            lay.pictures("loose", f"{key}.jpg")
            lay.json(f"loose/{key}.json", {"caption": f"picture {key}", "url": f"http://x/{key}"})
            for kind in ("jpg", "json"):
                archive.add(lay.root / "loose" / f"{key}.{kind}", f"{key}.{kind}")
    shutil.rmtree(lay.root / "loose")
    lay.json("00000_stats.json", {"count": 5, "successes": 2})


def davis(lay: Layer) -> None:
    lay.pictures("JPEGImages/480p/bear", "00000.jpg", "00001.jpg")
    lay.pictures("Annotations/480p/bear", "00000.png", "00001.png")
    lay.pictures("JPEGImages/480p/camel", "00000.jpg")
    lay.text("ImageSets/2017/train.txt", "bear", "gone")
    lay.text("ImageSets/2017/val.txt", "camel")


def landscape(lay: Layer) -> None:
    lay.videos("train/fire/abc_0.mp4", "train/fire/abc_1.mp4", "test/rain_3.mp4")


def cityscapes(lay: Layer) -> None:
    def shot(city: str, drive: int, frame: int) -> str:
        return f"{city}_{drive:06d}_{frame:06d}_leftImg8bit.png"

    lay.pictures("leftImg8bit_sequence/train/aachen", *(shot("aachen", 0, n) for n in range(30)))
    lay.pictures("leftImg8bit_sequence/val/lindau", *(shot("lindau", 0, n) for n in (*range(30), *range(100, 130))))
    lay.pictures("leftImg8bit_sequence/test/bonn", shot("bonn", 0, 19))


def sky(lay: Layer) -> None:
    for part, film in (("sky_train", "07QfM5qX2h8"), ("sky_test", "2KikwLp-PUI")):
        lay.pictures(
            f"sky_timelapse/{part}/{film}/{film}_1", f"{film}_frames_00000002.jpg", f"{film}_frames_00000003.jpg"
        )
    lay.pictures("sky_timelapse/sky_train/07QfM5qX2h8/07QfM5qX2h8_2", "x_frames_00000009.jpg")


def catergen(lay: Layer) -> None:
    for split, number in (("train", 1), ("test", 2)):
        for mode in ("explicit", "ambiguous"):
            lay.json(
                f"{split}_{mode}.json",
                {"0": {"video": f"videos/CATER_new_00000{number}.avi", "caption": f" the cone is {mode}."}},
            )
    lay.videos("videos/CATER_new_000001.avi", "videos/CATER_new_000002.avi")


def bair(lay: Layer) -> None:
    for part in ("train", "test"):
        records = b"".join(
            record({f"{n}/image_aux1/encoded": bytes([n, 7, 9]) * 64 * 64 for n in range(3)}) for _ in range(2)
        )
        path = lay.root / "softmotion30_44k" / part / "traj_0_to_255.tfrecords"
        path.parent.mkdir(parents=True)
        path.write_bytes(records)


def record(features: dict[str, bytes]) -> bytes:
    """One record of a TFRecord file; its checksums are not read, and are none."""

    def field(number: int, data: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        return b"".join(bytes([value >> 7 * k & 0x7F | 0x80]) for k in range(last(value))) + bytes(
            [value >> 7 * last(value)]
        )

    def last(value: int) -> int:
        return max(value.bit_length() - 1, 0) // 7

    entries = b"".join(
        field(1, field(1, name.encode()) + field(2, field(1, field(1, data)))) for name, data in features.items()
    )
    message = field(1, entries)
    return struct.pack("<Q", len(message)) + b"\0" * 4 + message + b"\0" * 4


def taichi(lay: Layer) -> None:
    header = "video_id,start,end,bbox,fps,width,height,partition"
    lay.text(
        "taichi-metadata.csv",
        header,
        "u6rJiF-gPx8,80,300,0-0-32-32,29.97,64,48,train",
        "whole,5,10,32-0-64-32,25.0,64,48,test",
        "gone,1,2,0-0-9-9,25,64,48,test",
    )
    lay.videos("taichi/train/u6rJiF-gPx8#000080#000300.mp4", "youtube-taichi/whole.mp4")


def human36m(lay: Layer) -> None:
    lay.videos("S1/Videos/Directions 1.54138969.mp4", "S1/Videos/_ALL 1.54138969.mp4", "S9/Videos/Walking.55011271.mp4")


def mpii(lay: Layer) -> None:
    notes = np.zeros(3, [("image", object), ("vididx", float)])
    for number in range(3):
        notes[number] = ({"name": f"01560186{number}.jpg"}, number + 1)
    acts = np.zeros(3, [("act_name", object)])
    acts["act_name"] = ["curling", "", "curling"]
    savemat(
        lay.root / "mpii_human_pose_v1_u12_1.mat",
        {"RELEASE": {"annolist": notes, "img_train": np.array([1, 0, 1]), "act": acts}},
    )
    lay.pictures("images", "015601860.jpg", "015601861.jpg")


def ucf101(lay: Layer) -> None:
    lay.text(
        "ucfTrainTestlist/trainlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1",
        "HandstandPushups/v_HandStandPushups_g08_c01.avi 37",
    )
    lay.text(
        "ucfTrainTestlist/testlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", "YoYo/v_YoYo_g01_c01.avi"
    )
    lay.videos(
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi"
    )
    lay.videos("UCF-101/HandstandPushups/v_HandstandPushups_g08_c01.avi")


def kth(lay: Layer) -> None:
    lay.text(
        "00sequences.txt",
        "Some words about it.",
        "",
        "person01_boxing_d1\t\tframes\t1-5, 6-10",
        "person13_handclapping_d3\t*missing*",
    )
    lay.videos(
        "boxing/person01_boxing_d1_uncomp.avi",
        "boxing/person12_boxing_d2_uncomp.avi",
        "running/person22_running_d1_uncomp.avi",
    )


def mhad(lay: Layer) -> None:
    lay.videos("RGB/a1_s1_t1_color.avi", "RGB/a27_s2_t4_color.avi")


MINIATURES = (
    hdtf, voxceleb2, mead, celebvhq, celebvtext, talkinghead1kh, vfhq, cremad, grid, ravdess, lrs2, lrs3, avspeech,
    talkvid, webvid, msrvtt, hdvila, laion, davis, landscape, cityscapes, sky, catergen, bair, taichi, human36m, mpii,
    ucf101, kth, mhad,
)  # fmt: skip
