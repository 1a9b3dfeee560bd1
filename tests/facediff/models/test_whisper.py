import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder as Original

from facediff.models.whisper import WhisperEncoder, convert_weights


def small(**sizes) -> WhisperEncoder:
    return WhisperEncoder(width=32, heads=4, hidden=48, **{"depth": 2, "read": (2,), "dropped": ()} | sizes).eval()


def test_it_is_the_encoder_of_transformers() -> None:
    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=32, encoder_layers=3, encoder_attention_heads=4, encoder_ffn_dim=48, max_source_positions=100
    )
    original, mel = Original(config).eval(), torch.randn(2, 80, 200)
    outputs: list[torch.Tensor] = []
    for layer in original.layers[:2]:
        layer.register_forward_hook(lambda _, __, out: outputs.append(out if torch.is_tensor(out) else out[0]))
    own = small(read=(1, 2))
    own.load_state_dict(convert_weights(original.state_dict(), 2))
    with torch.no_grad():
        original(mel)
        torch.testing.assert_close(own(mel), torch.cat(outputs, dim=-1), rtol=1e-4, atol=1e-5)


def test_what_is_read_leaves_out_what_is_dropped() -> None:
    torch.manual_seed(0)
    whole, mel = small(read=(1, 2)), torch.randn(1, 80, 46)
    part = small(read=(1, 2), dropped=(3, 30))
    part.load_state_dict(whole.state_dict())
    assert whole(mel).shape == (1, 23, 64) and part(mel).shape == (1, 23, 60) and part.dim == 60
    kept = [channel for channel in range(64) if channel % 32 not in (3, 30)]
    torch.testing.assert_close(part(mel), whole(mel)[..., kept])


def test_it_comes_back_from_a_folder(tmp_path) -> None:
    network, mel = small(), torch.randn(1, 80, 40)
    network.save_pretrained(tmp_path)
    torch.testing.assert_close(WhisperEncoder.from_pretrained(tmp_path).eval()(mel), network(mel))
