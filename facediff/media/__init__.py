"""Pictures and videos, read and written as streams of RGB frames."""

from facediff.media.images import read_image, write_image
from facediff.media.kinds import is_video
from facediff.media.reading import VideoInfo, VideoReader
from facediff.media.writing import VideoWriter, check_target

__all__ = ["VideoInfo", "VideoReader", "VideoWriter", "check_target", "is_video", "read_image", "write_image"]
