import torch

from facediff.models.motion import MotionDenoiser


def test_any_length_and_no_seam() -> None:
    """Convolutions see only so far: far from a change, nothing changes, and a longer sound starts alike."""
    torch.manual_seed(0)
    net = MotionDenoiser(speech_dim=40, features=12, channels=16, dilations=(1, 2)).eval()
    for parameter in (p for p in net.parameters() if p.requires_grad):
        torch.nn.init.normal_(parameter, std=0.2)
    heard, noisy, t = torch.randn(1, 100, 40), torch.randn(1, 31, 100), torch.tensor([500])
    whole = net(noisy, t, net.encode_speech(heard))
    part = net(noisy[..., :60], t, net.encode_speech(heard[:, :60]))
    assert whole.shape == (1, 31, 100)
    torch.testing.assert_close(whole[..., :40], part[..., :40], rtol=1e-4, atol=1e-4)


def test_a_sound_that_is_not_heard_does_not_count() -> None:
    net = MotionDenoiser(speech_dim=40, features=12, channels=16, dilations=(1,)).eval()
    torch.nn.init.normal_(net.unheard)
    heard = torch.tensor([True, False])
    speech = net.encode_speech(torch.randn(2, 10, 40))
    assert speech.shape == (2, 12, 10)
    features, other = net.drop_condition(speech, heard), net.drop_condition(speech.flip(2), heard)
    assert not torch.equal(features[0], other[0])
    torch.testing.assert_close(features[1], other[1])
