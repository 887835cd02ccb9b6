namespace QbSync.Host.Commands.Control;

/// <summary>Why a command cannot be carried out, for people. Caught where the command ends.</summary>
internal sealed class CommandFailure(string message) : Exception(message);
