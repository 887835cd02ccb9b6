namespace QbSync.Throughput.Report;

/// <summary>What is between the two processes.</summary>
internal enum Layer
{
    /// <summary>Bare sockets: the measure of all others.</summary>
    Plain = 0,

    /// <summary>The transport between a file and a file.</summary>
    Transport = 1,

    /// <summary>Both roles as the executable runs them, with folder clients; every file new.</summary>
    Engine = 2,

    /// <summary>The same between two real clients.</summary>
    Clients = 3,
}

/// <summary>One line of the table.</summary>
/// <param name="Layer">What is between the processes.</param>
/// <param name="IsHashing">The source hashes what it reads; a whole engine always does.</param>
/// <param name="IsInMemory">A piece is read whole before it is cut, else each chunk straight into the message.</param>
/// <param name="IsEncrypted">TLS.</param>
internal sealed record Variant(Layer Layer, bool IsHashing, bool IsInMemory = false, bool IsEncrypted = false)
{
    public string Name => Layer switch
    {
        Layer.Plain => $"plain sockets{(IsHashing ? ", hash" : "")}",
        Layer.Transport => $"transport, {(IsInMemory ? "memory" : "file")}{(IsHashing ? ", hash" : "")}{(IsEncrypted ? ", TLS" : "")}",
        Layer.Engine => "engine, folder clients",
        Layer.Clients => "engine, two qBittorrents",
    };

    /// <summary>What this is compared with.</summary>
    public bool IsBaselineOf(Variant other) => Layer == Layer.Plain && IsHashing == other.IsHashing;
}
