"""How the page looks: calm, two columns, one column on a phone; nothing is fetched from elsewhere."""

from __future__ import annotations

import gradio as gr

_FONT = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")

CSS = """
.gradio-container { max-width: 1120px !important; margin: 0 auto !important; }
#title h1 { font-size: 1.5rem; font-weight: 650; margin: .3rem 0 0; letter-spacing: -.01em; }
#title p, #foot p, .status p, .between p { color: var(--body-text-color-subdued); margin: 0; }
#foot p { font-size: .85rem; text-align: center; }
.choice .wrap { display: inline-flex; gap: .2rem; padding: .2rem; border-radius: .6rem;
  background: var(--neutral-200); }
.choice label { border: 0; box-shadow: none; background: transparent; padding: .35rem 1rem; }
.choice label.selected { background: var(--background-fill-primary); color: var(--body-text-color); }
.choice input[type=radio] { position: absolute; opacity: 0; width: 1px; height: 1px; }
.choice label:focus-within { outline: 2px solid var(--primary-500); }
.choice label span { margin: 0; }
.status { min-height: 4.2rem; }
.dark .choice .wrap { background: var(--neutral-700); }
.tab-container button.selected { color: var(--primary-700) !important; }
.dark .tab-container button.selected { color: var(--primary-300) !important; }
.status .error, .status .clear-status { display: none; }  /* errors are shown as sentences, beside */
.actions button.secondary, .actions button.stop { border: 1px solid var(--neutral-300); background: white; }
.dark .actions button.secondary, .dark .actions button.stop { background: var(--neutral-800); }
.pairs > .form { display: grid !important; grid-template-columns: 1fr 1fr; }
.asked { flex-wrap: nowrap; align-items: center; }
.asked > * { flex: 0 0 auto !important; min-width: 0 !important; width: auto !important; }
.small .audio-container .upload-container { height: 7.5rem !important; }
.small .upload-container .wrap, .small button .wrap { padding: 0 !important; min-height: 0 !important; }
.video-container > :not(.source-selection) { min-height: 0 !important; }  /* else it pushes out what is below it */
.video-container > .upload-container > button { height: 100% !important; }
.gradio-container { overflow: clip !important; }  /* hidden, what is below would not stick */
.gradio-container .main, .gradio-container .main > .wrap, main.contain { min-width: 0; }
@media (min-width: 641px) { .beside { position: sticky; top: 1rem; align-self: flex-start; } }
@media (max-width: 640px) {
  .gradio-container .main { padding: .75rem !important; }
  .tab-container button { padding: 0 .5rem !important; }
  .pairs > .form { grid-template-columns: 1fr; }
  .actions button { min-height: 3rem; }
  .result { min-height: 0 !important; height: auto !important; max-height: 78vw; }
}
"""


def theme() -> gr.themes.Base:
    """Teal on slate, white cards with a thin line around, the fonts of the system."""
    teal, slate = gr.themes.colors.teal, gr.themes.colors.slate
    return gr.themes.Base(primary_hue=teal, secondary_hue=teal, neutral_hue=slate, font=_FONT).set(
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_500",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_radius="10px",
        block_label_background_fill="white",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_border_color="*neutral_300",
        button_large_radius="10px",
    )
