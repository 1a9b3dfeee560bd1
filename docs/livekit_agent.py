"""An agent in LiveKit Agents with a face; its voice, ears and wits are any of that framework.

pip install 'facediff[livekit]' livekit-agents[openai]; LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET say where;
python livekit_agent.py dev
"""

from __future__ import annotations

from livekit import agents, rtc
from livekit.agents.voice.avatar import AvatarRunner, QueueAudioOutput

from facediff import Avatar
from facediff.agents.livekit import LiveKitAvatar

PORTRAIT = "portrait.jpg"


async def give_face(session: agents.AgentSession, room: rtc.Room, portrait: str, **options) -> LiveKitAvatar:
    """Lets what a session says be said by a portrait, in a room; close what comes back when the session ends."""
    face = LiveKitAvatar(Avatar.from_image(portrait), **options)
    said = QueueAudioOutput(sample_rate=face.options.audio_sample_rate, wait_playback_start=True)
    session.output.audio = said
    runner = AvatarRunner(room, audio_recv=said, video_gen=face, options=face.options)
    await runner.start()
    return face


async def entrypoint(context: agents.JobContext) -> None:
    """What a worker does for each room."""
    session: agents.AgentSession = agents.AgentSession(
        stt="deepgram/nova-3", llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3"
    )
    await context.connect()
    face = await give_face(session, context.room, PORTRAIT, size=512)
    context.add_shutdown_callback(face.aclose)
    await session.start(agents.Agent(instructions="You are a friendly guide."), room=context.room)


if __name__ == "__main__":
    agents.cli.run_app(agents.WorkerOptions(entrypoint_fnc=entrypoint))
