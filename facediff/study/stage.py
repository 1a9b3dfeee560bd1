"""What a rater sees, as HTML; how it looks, and what keys do. Knows no page of Gradio."""

from __future__ import annotations

import html
from collections.abc import Mapping

from facediff.study.plan import CHOICE, Question

SCORES = ("Bad", "Poor", "Fair", "Good", "Excellent")  # absolute category rating, ITU-T P.800

CSS = """
.gradio-container { max-width: 1000px !important; width: 100% !important; margin: 0 auto !important; }
#stage .bar { height: 6px; border-radius: 3px; background: #e2e8f0; overflow: hidden; }
#stage .bar i { display: block; height: 100%; background: #0f766e; }
#stage .count { color: #64748b; font-size: .9rem; margin: .4rem 0 0; }
#stage h2 { font-size: 1.35rem; font-weight: 650; margin: .3rem 0 1rem; text-align: center; }
#stage .videos { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
#stage .videos.alone { grid-template-columns: minmax(0, 520px); justify-content: center; }
#stage figure { margin: 0; min-width: 0; }
#stage video { width: 100%; max-height: 56vh; border-radius: 10px; display: block; }
#stage figcaption { text-align: center; font-weight: 600; padding: .35rem; }
#stage .play { display: flex; gap: .75rem; justify-content: center; align-items: center; margin-top: .5rem;
  flex-wrap: wrap; }
#stage .play button { padding: .6rem 1.4rem; border-radius: 10px; border: 1px solid #0f766e; background: white;
  color: #0f766e; font-weight: 600; cursor: pointer; min-height: 2.75rem; }
#stage .play label { color: #475569; font-size: .9rem; }
#stage .hint { text-align: center; color: #64748b; font-size: .9rem; min-height: 1.4rem; margin: .6rem 0 0; }
#stage .end { text-align: center; padding: 3rem 1rem; }
#stage .html-container { padding: .6rem 0 0; }
#answers { flex-wrap: nowrap; gap: .5rem; }
#answers button { min-height: 3.25rem; min-width: 0 !important; font-weight: 600; padding: .3rem .5rem; }
body.waits #answers button { opacity: .4; pointer-events: none; }
.dark #stage .play button { background: transparent; color: #5eead4; border-color: #5eead4; }
.dark #stage .count, .dark #stage .hint, .dark #stage .play label { color: #94a3b8; }
@media (max-width: 640px) {
  .gradio-container .main { padding: .8rem !important; }
  #stage h2 { font-size: 1.1rem; margin-bottom: .6rem; }
  #stage .videos { gap: .4rem; grid-template-columns: 1fr; }
  #stage .videos:not(.alone) video { max-height: 28vh; }
  #stage figcaption { padding: .1rem; }
  #answers { gap: .3rem; }
  #answers button { padding: .1rem !important; font-size: .7rem; }
}
"""

# Answers open when each video was seen nearly to its end; keys are the numbers on the buttons, and the space bar.
HEAD = """
<script>
const noKeys = matchMedia('(hover: none)').matches;
const all = () => [...document.querySelectorAll('#stage video')];
function hear() {
  const box = document.querySelector('#stage .play input');
  all().forEach((v, k) => { v.muted = all().length > 1 && k !== (box && box.checked ? 1 : 0); });
}
function playAll() { hear(); all().forEach(v => { v.currentTime = 0; v.play(); }); }
function seen() {
  all().forEach(v => { if (v.duration && v.currentTime >= 0.8 * v.duration) v.dataset.seen = '1'; });
  const open = all().length > 0 && all().every(v => v.dataset.seen);
  document.body.classList.toggle('waits', all().length > 0 && !open);
  const hint = document.querySelector('#stage .hint');
  if (hint) hint.textContent = hint.dataset[(open ? 'open' : 'waits') + (noKeys ? 'Touch' : '')];
}
setInterval(seen, 200);
document.addEventListener('click', event => {
  if (!event.target.closest('#answers')) return;
  if (document.body.classList.contains('waits')) { event.stopPropagation(); event.preventDefault(); }
  document.activeElement.blur();
}, true);
document.addEventListener('keyup', event => { if (event.key === ' ') event.preventDefault(); });
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === ' ') { event.preventDefault(); playAll(); return; }
  const button = document.querySelector('#answer-' + event.key);
  if (/^[1-5]$/.test(event.key) && button && !document.body.classList.contains('waits')) button.click();
});
</script>
"""
KEEP_LINK = """(rater) => {
  const link = new URL(location);
  link.searchParams.set('rater', rater);
  history.replaceState({}, '', link);
}"""


def draw_question(
    question: Question, is_swapped: bool, texts: Mapping[str, str], done: int, total: int, address: str
) -> str:
    """A question: progress, its words, its videos.

    Args:
        question: What is asked.
        is_swapped: Whether a is on the right.
        texts: The words of each kind.
        done: How many questions are answered, of ``total``.
        total: See ``done``.
        address: Of the folder of videos, for browsers.
    """
    files = question.files[::-1] if is_swapped else question.files
    is_choice = question.kind == CHOICE
    figures = "".join(
        f'<figure><video src="{address}/{html.escape(file)}" preload="auto" playsinline aria-label="Video {number}">'
        f"</video>{f'<figcaption>{number}</figcaption>' if is_choice else ''}</figure>"
        for number, file in enumerate(files, start=1)
    )
    play = "&#9654; Play both" if is_choice else "&#9654; Play"
    keys = "1 or 2" if is_choice else "1 to 5"
    sound = '<label><input type="checkbox" onchange="hear()"> hear video 2 instead of 1</label>' if is_choice else ""
    watch = "Watch both to the end first" if is_choice else "Watch to the end first"
    return (
        f'<div class="bar" role="progressbar" aria-valuenow="{done}" aria-valuemax="{total}">'
        f'<i style="width:{100 * done / total:.1f}%"></i></div>'
        f'<p class="count">{done + 1} of {total}</p><h2>{html.escape(texts[question.kind])}</h2>'
        f'<div class="videos{"" if is_choice else " alone"}">{figures}</div>'
        f'<div class="play"><button type="button" onclick="playAll()">{play}</button>'
        f'{sound}</div><p class="hint" data-waits="{watch}; the space bar plays." data-waits-touch="{watch}." '
        f'data-open="Answer with a click, or with the keys {keys}." data-open-touch="Answer with a tap."></p>'
    )


def draw_end(total: int) -> str:
    """What is seen when all is answered."""
    return (
        f'<div class="bar"><i style="width:100%"></i></div><div class="end"><h2>Thank you.</h2>'
        f"<p>All {total} answers are kept; you can close this page.</p></div>"
    )
