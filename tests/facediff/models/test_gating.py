import torch

from facediff.models.fadm import paper_gate, paper_schedule, paper_unet
from facediff.models.gating import AttributeGate, scale_weights


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def small(**changes) -> AttributeGate:
    torch.manual_seed(0)
    return AttributeGate(in_channels=3, channels=8, out_channels=5, attribute_dim=10, **changes).eval()


def test_the_paper_has_the_published_shapes() -> None:
    with torch.device("meta"):
        unet, gate = paper_unet(), paper_gate()
        picture = torch.empty(1, 3, 256, 256)
        condition = gate(gate.features(picture), torch.empty(1, 56), torch.tensor([5]))
        assert condition.shape == picture.shape
        assert unet(torch.cat([condition, picture], 1), torch.tensor([5])).sample.shape == picture.shape
    assert parameters(gate) == 77_635
    assert parameters(unet) == 141_244_547
    assert round((parameters(unet) + parameters(gate)) / 1e6, 1) == 141.3


def test_the_papers_noise_levels_are_the_published_ones() -> None:
    betas = paper_schedule().betas
    torch.testing.assert_close(betas, torch.linspace(0.001, 0.2, 100))


def test_all_copies_weigh_alike_at_the_neutral_weight_and_motion_favours_the_coarsest() -> None:
    assert torch.allclose(scale_weights(torch.full((1, 4), 0.3), 3), torch.ones(1, 3, 4))
    torch.testing.assert_close(
        scale_weights(torch.tensor([[0.8]]), 3)[0, :, 0], torch.tensor([1.6487, 1.1276, 0.6065]), atol=1e-4, rtol=0
    )
    far, near = (small().weights(torch.full((1, 10), a), torch.tensor([3]))[0].mean(1) for a in (4.0, 0.0))
    assert far[0] > near[0] and far[2] < near[2]


def test_the_condition_is_bounded_for_pictures_and_free_for_latents() -> None:
    picture = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 30
    given = torch.zeros(2, 10), torch.tensor([3, 90])
    with torch.no_grad():
        bounded, free = (net(net.features(picture), *given) for net in (small(), small(is_bounded=False)))
    assert bounded.shape == (2, 5, 32, 32) and bounded.min() >= 0 and bounded.max() <= 1
    torch.testing.assert_close(bounded, torch.sigmoid(free))
    assert free.abs().max() > 1


def test_equal_coarse_frames_give_equal_conditions_and_the_time_tells() -> None:
    net, picture = small(), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    features = net.features(picture.expand(2, -1, -1, -1))
    with torch.no_grad():
        one, other = net(features, torch.zeros(2, 10), torch.tensor([7, 7]))
        early, late = net(features, torch.zeros(2, 10), torch.tensor([1, 90]))
    torch.testing.assert_close(one, other)
    assert (early - late).abs().max() > 1e-4


def test_the_real_frame_is_seen_as_a_thumbnail_only() -> None:
    net = small()
    g = torch.Generator().manual_seed(1)
    coarse, driven = torch.rand(1, 3, 32, 32, generator=g), torch.rand(1, 3, 32, 32, generator=g)
    same_thumbnail = driven.clone()
    same_thumbnail[..., 1, 1] += 1  # not a pixel that the eighth keeps
    with torch.no_grad():
        alone, seen, again = (net.features(coarse, d) for d in (None, driven, same_thumbnail))
    torch.testing.assert_close(seen, again)
    assert (alone - seen).abs().max() > 1e-3
    torch.testing.assert_close(net.features(coarse, coarse), alone)
