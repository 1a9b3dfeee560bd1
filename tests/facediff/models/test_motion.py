import pytest
import torch

from facediff.models.motion import MotionDenoiser, SpeechEncoder


def test_any_length_and_no_seam() -> None:
    """Convolutions see only so far: far from a change, nothing changes, and a longer sound starts alike."""
    torch.manual_seed(0)
    net = MotionDenoiser(channels=16, dilations=(1, 2)).eval()
    for parameter in (p for p in net.parameters() if p.requires_grad):
        torch.nn.init.normal_(parameter, std=0.2)
    mel, noisy, t = torch.randn(1, 80, 400), torch.randn(1, 31, 100), torch.tensor([500])
    whole = net(noisy, t, net.encode_speech(mel))
    part = net(noisy[..., :60], t, net.encode_speech(mel[..., :240]))
    assert whole.shape == (1, 31, 100)
    torch.testing.assert_close(whole[..., :40], part[..., :40], rtol=1e-4, atol=1e-4)


def test_a_sound_that_is_not_heard_does_not_count() -> None:
    net = MotionDenoiser(channels=16, dilations=(1,)).eval()
    torch.nn.init.normal_(net.unheard)
    heard = torch.tensor([True, False])
    mel = torch.randn(2, 80, 40)
    features = net.encode_speech(mel, heard)
    other = net.encode_speech(mel.flip(2), heard)
    assert not torch.equal(features[0], other[0])
    torch.testing.assert_close(features[1], other[1])


def test_speech_heard_part_by_part_is_heard_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, mel = SpeechEncoder(), torch.randn(1, 80, 4 * 130)
    whole = encoder(mel)
    assert whole.shape == (1, SpeechEncoder.FEATURES, 130)
    monkeypatch.setattr(SpeechEncoder, "PART", 40)
    torch.testing.assert_close(encoder(mel), whole)
