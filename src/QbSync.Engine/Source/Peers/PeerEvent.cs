using QbSync.Ports;

namespace QbSync.Engine.Source.Peers;

/// <summary>What the peer's watcher tells the loop.</summary>
internal abstract record PeerEvent
{
    private PeerEvent()
    {
    }

    /// <summary>It answered the greeting.</summary>
    public sealed record Up(DestinationGreeting Greeting) : PeerEvent;

    /// <summary>It does not answer, or not as one that we can work with.</summary>
    /// <param name="IsParked">A person has to settle it.</param>
    public sealed record Down(string Problem, bool IsParked) : PeerEvent;

    /// <summary>It told a change.</summary>
    public sealed record Told(DestinationUpdate Update) : PeerEvent;
}
