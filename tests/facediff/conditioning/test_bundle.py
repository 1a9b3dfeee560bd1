import torch

from facediff.conditioning.bundle import Conditioning


def cond(frames: int = 4, coarse: bool = True) -> Conditioning:
    g = torch.Generator().manual_seed(0)
    return Conditioning(
        concat=torch.randn(frames, 5, 2, 3, generator=g),
        tokens=torch.randn(frames, 7, 8, generator=g),
        mask=torch.ones(frames, 1, 2, 3),
        coarse=torch.randn(frames, 4, 2, 3, generator=g) if coarse else None,
        scale=0.5,
    )


def test_rows_are_taken_of_everything() -> None:
    whole = cond()
    part = whole[1:3]
    assert (len(whole), len(part)) == (4, 2)
    for name in ("concat", "tokens", "mask", "coarse"):
        torch.testing.assert_close(getattr(part, name), getattr(whole, name)[1:3])
    assert part.scale == 0.5
    assert cond(coarse=False)[1:3].coarse is None


def test_parts_make_the_latents_of_the_whole() -> None:
    whole, denoised = cond(), torch.randn(4, 4, 2, 3)
    parts = torch.cat([whole[:1].latents(denoised[:1]), whole[1:].latents(denoised[1:])])
    torch.testing.assert_close(parts, whole.latents(denoised))


def test_what_is_denoised_is_added_to_the_coarse_latents_at_its_scale() -> None:
    known, denoised = cond(), torch.randn(4, 4, 2, 3)
    torch.testing.assert_close(known.latents(denoised), known.coarse + 0.5 * denoised)
    torch.testing.assert_close(known.latents(torch.zeros(4, 4, 2, 3)), known.coarse)
    assert cond(coarse=False).latents(denoised) is denoised


def test_everything_moves_to_another_type_and_the_original_stays() -> None:
    known = cond()
    half = known.to(dtype=torch.float16)
    assert {getattr(half, n).dtype for n in ("concat", "tokens", "mask", "coarse")} == {torch.float16}
    assert {getattr(known, n).dtype for n in ("concat", "tokens", "mask", "coarse")} == {torch.float32}
    torch.testing.assert_close(half.to(dtype=torch.float32).tokens, known.tokens, atol=1e-2, rtol=1e-2)
    assert {t.device.type for t in (known.to("meta").concat, known.to("meta").coarse)} == {"meta"}
    assert half.scale == known.scale


def test_other_tokens_change_nothing_else() -> None:
    known, tokens = cond(), torch.zeros(4, 7, 8)
    other = known.with_tokens(tokens)
    assert other.tokens is tokens and other.concat is known.concat and other.coarse is known.coarse
    assert known.tokens.abs().sum() > 0
