"""The exception family. Every error says whose fault it is; the package raises no bare ones.

`OurFault` means this program is wrong, `PeersFault` means the other side of a connection is: the
connection is closed with the error's text, logged once, and nobody else is disturbed.
"""


class ClientMigrationError(Exception):
    """The root: catch this to catch everything the package raises on purpose."""


class OurFault(ClientMigrationError):
    """This side did something that it must not do: a bug or a wrong setting."""


class ConfigurationError(OurFault):
    """A flag, a file or the environment asks for what cannot be served. The text says which."""


class BadInput(OurFault):
    """What the program wants a player to send can not be sent: the text says what and why."""


class PlayerStopped(ClientMigrationError):
    """The player went home before this was complete."""


class NotOffered(ClientMigrationError):
    """No server here offers a file or a topic of that name, or not one more. The text says why."""


class Corrupted(ClientMigrationError):
    """A file did not arrive as it was offered. What was handed on of it is of no use."""


class Away(ClientMigrationError):
    """What was asked is not there, or does not answer in time. The text says which, and where."""


class Refused(ClientMigrationError):
    """An order that is well-formed and cannot be carried out as things stand. The text says why."""


class PeersFault(ClientMigrationError):
    """The peer broke the protocol. Costs the peer its connection and nobody anything else."""

    code = "protocol"


class NotOurProtocol(PeersFault):
    """The first bytes are not a ClientMigration greeting, or of a version that we do not speak."""

    code = "not_our_protocol"


class ForeignOrigin(PeersFault):
    """A browser on a page of an origin that may not connect here."""

    code = "foreign_origin"


class FrameTooLarge(PeersFault):
    """A frame announces more bytes than this direction allows."""

    code = "frame_too_large"


class MalformedFrame(PeersFault):
    """The bytes of a frame do not decode to any message that may be said here."""

    code = "malformed_frame"


class OutOfTurn(PeersFault):
    """A well-formed message at a moment when it makes no sense."""

    code = "out_of_turn"


class TooFast(PeersFault):
    """More messages per second than a peer of this kind may send."""

    code = "too_fast"


class TooSlow(PeersFault):
    """The peer said nothing for longer than it may, or does not read what it asked for."""

    code = "too_slow"


class NotAuthentic(PeersFault):
    """The peer could not prove who it is: wrong cluster secret, forged or foreign token."""

    code = "not_authentic"


class TicketRefused(PeersFault):
    """A ticket that is forged, expired, for another server, or already used by somebody else."""

    code = "ticket_refused"
