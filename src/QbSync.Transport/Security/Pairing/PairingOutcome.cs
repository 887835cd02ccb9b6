namespace QbSync.Transport.Security;

/// <summary>How an attempt to pair ended at the side that dialed.</summary>
public abstract record PairingOutcome
{
    private PairingOutcome()
    {
    }

    /// <summary>Both sides trust each other.</summary>
    public sealed record Paired(Peer Peer) : PairingOutcome;

    /// <summary>The listener ended it and tells no reason: the code is wrong, late, used, or none is open; or somebody is between, which counts as wrong there.</summary>
    public sealed record Refused : PairingOutcome;

    /// <summary>Whoever listens does not know the code. Nothing was trusted.</summary>
    public sealed record NotProven(NodeId Found) : PairingOutcome;

    /// <summary>The text is no code: 16 letters and digits.</summary>
    public sealed record NoCode : PairingOutcome;

    /// <summary>The listener is this very node.</summary>
    public sealed record ThisNode : PairingOutcome;

    /// <summary>Nobody answers there, or nobody that pairs.</summary>
    public sealed record Unreachable(string Detail) : PairingOutcome;
}
