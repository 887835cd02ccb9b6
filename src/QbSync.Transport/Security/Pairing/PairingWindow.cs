namespace QbSync.Transport.Security;

/// <summary>
/// A pairing that waits for the other side: a code that works once, for ten minutes, and survives four wrong tries. It works at whichever process listens with
/// the same files. Disposing makes the code void.
/// </summary>
public sealed class PairingWindow : IDisposable
{
    private static readonly TimeSpan LookEach = TimeSpan.FromMilliseconds(200);

    private readonly PairingFile _file;
    private readonly OpenPairing _open;
    private readonly PeerStore _peers;
    private readonly IReadOnlyList<Peer> _known;
    private readonly TimeProvider _time;

    private PairingWindow(PairingFile file, OpenPairing open, PeerStore peers, string code, TimeProvider time)
    {
        (_file, _open, _peers, Code, _time) = (file, open, peers, code, time);
        _known = peers.Peers;
    }

    /// <summary>What the other side has to be told; 16 characters in groups of 4.</summary>
    public string Code { get; }

    /// <summary>When the code is void.</summary>
    public DateTimeOffset Expires => _open.Expires;

    /// <summary>Opens a code; one that was open before is void.</summary>
    /// <param name="peers">The peers of this side. While its file cannot be used no code is opened.</param>
    /// <param name="name">What this node calls itself to the other.</param>
    /// <exception cref="TrustException">A file cannot be used or written.</exception>
    public static PairingWindow Open(SecurityOptions options, PeerStore peers, string name, TimeProvider time)
    {
        if (peers.Fault is { } fault)
        {
            throw fault;
        }

        var file = new PairingFile(options.PairingPath, time);
        var code = OneTimeCode.Make();
        return new PairingWindow(file, file.Open(OneTimeCode.ToKey(code)!, name), peers, code, time);
    }

    /// <summary>The peer that used the code, or null when it became void before that.</summary>
    public async Task<Peer?> WaitAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookEach, _time);
        while (true)
        {
            // The listener trusts first and then closes the code: looking in the other order never misses a success.
            var isOpen = _file.Read() is { } open && open.Key.AsSpan().SequenceEqual(_open.Key);
            await _peers.RefreshAsync(cancellationToken).ConfigureAwait(false);
            if (_peers.Peers.FirstOrDefault(peer => !_known.Contains(peer) && peer.AddedAt >= _open.Expires - PairingFile.OpenTime) is { } paired)
            {
                return paired;
            }

            if (!isOpen)
            {
                return null;
            }

            await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes the code void.</summary>
    public void Dispose() => _file.Close(_open);
}
