namespace QbSync.Engine.Source;

/// <summary>What a fault asks of the engine. Every refusal, nack and exception is one of these; an unknown code is <see cref="TransientPeer"/>.</summary>
internal enum FaultClass
{
    /// <summary>The destination is away or asks for patience.</summary>
    TransientPeer = 0,

    /// <summary>The destination has no room.</summary>
    Capacity = 1,

    /// <summary>The source's client is away or answered with nonsense.</summary>
    TransientClient = 2,

    /// <summary>A person has to settle it.</summary>
    Conflict = 3,

    /// <summary>The same will fail again: a strike.</summary>
    Permanent = 4,
}
