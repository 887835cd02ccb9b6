using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Ports;

namespace QbSync.Transport.Security;

/// <summary>
/// The peers that are trusted, from a file that several processes may change: what one writes is in force in the others within a second. A file that does not
/// parse, or that others may write, trusts nobody. Reads are from memory. Thread-safe.
/// </summary>
public sealed partial class PeerStore : IDisposable
{
    private static readonly TimeSpan LookEach = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LockTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1); // one reads or writes the file at a time, so that no older content is published last
    private readonly ITimer _timer;
    private Snapshot _snapshot = Snapshot.Nobody;

    private PeerStore(string path, TimeProvider time, ILogger logger)
    {
        (_path, _time, _logger) = (path, time, logger);
        Publish(Read());
        _timer = time.CreateTimer(static store => ((PeerStore)store!).Look(), this, LookEach, LookEach);
    }

    /// <summary>Raised after the peers, or what they may do, changed. On a pool thread; must not block.</summary>
    public event Action? Changed;

    /// <summary>Who is trusted now, in the order of the file.</summary>
    public IReadOnlyList<Peer> Peers => Volatile.Read(ref _snapshot).Peers;

    /// <summary>Why nobody is trusted, when the file cannot be used; else null.</summary>
    public TrustException? Fault => Volatile.Read(ref _snapshot).Fault;

    /// <summary>Opens the file, which need not exist yet, and watches it until disposed.</summary>
    public static PeerStore Open(string path, TimeProvider time, ILoggerFactory? loggers = null) =>
        new(path, time, (loggers ?? NullLoggerFactory.Instance).CreateLogger<PeerStore>());

    /// <summary>The peer with this id, or null when it is not trusted.</summary>
    public Peer? Find(NodeId id) => Volatile.Read(ref _snapshot).ById.GetValueOrDefault(id);

    /// <summary>
    /// Trusts a peer, durably, or replaces what is known of it. An address belongs to one peer: another that had it stays trusted without it.
    /// </summary>
    /// <exception cref="TrustException">The file cannot be used or written.</exception>
    public Task AddAsync(Peer peer, CancellationToken cancellationToken) => ChangeAsync(
        peers =>
        {
            var others = peers.Where(other => other.Id != peer.Id)
                .Select(other => peer.Address is not null && PeerAddress.AreSame(other.Address, peer.Address) ? other with { Address = null } : other);
            return [.. others, peer];
        },
        cancellationToken);

    /// <summary>Trusts a peer no longer; its connections end within a second. False when it was not trusted.</summary>
    /// <exception cref="TrustException">The file cannot be used or written.</exception>
    public Task<bool> RemoveAsync(NodeId id, CancellationToken cancellationToken) => ChangeAsync(
        peers => peers.Any(peer => peer.Id == id) ? [.. peers.Where(peer => peer.Id != id)] : null, cancellationToken);

    /// <summary>Changes what a peer may do, from its next call on. False when it is not trusted.</summary>
    /// <exception cref="TrustException">The file cannot be used or written.</exception>
    public Task<bool> SetGrantsAsync(NodeId id, PeerGrants grants, CancellationToken cancellationToken) => ChangeAsync(
        peers => peers.Any(peer => peer.Id == id) ? [.. peers.Select(peer => peer.Id == id ? peer with { Grants = grants } : peer)] : null,
        cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _timer.Dispose();

    /// <summary>Reads the file now instead of at the next look.</summary>
    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isChanged;
        try
        {
            isChanged = Publish(Read());
        }
        finally
        {
            _turn.Release();
        }

        if (isChanged)
        {
            Changed?.Invoke();
        }
    }

    /// <summary>Reads the file, changes what it says and writes it, while no other process does. Null changes nothing.</summary>
    private async Task<bool> ChangeAsync(Func<IReadOnlyList<Peer>, IReadOnlyList<Peer>?> change, CancellationToken cancellationToken)
    {
        // The disk may be slow, and a caller may be on a socket's thread.
        var isChanged = await Task.Run(
            async () =>
            {
                await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    using var held = await LockAsync(cancellationToken).ConfigureAwait(false);
                    var known = Read();
                    if (known.Fault is { } fault)
                    {
                        // Never repaired by overwriting: it may be a newer version's, or a slip of the hand that one can undo.
                        throw fault;
                    }

                    if (change(known.Peers) is not { } peers)
                    {
                        Publish(known);
                        return false;
                    }

                    PrivateFile.Write(_path, PeersFormat.Write(peers));
                    Publish(Read());
                    return true;
                }
                finally
                {
                    _turn.Release();
                }
            },
            cancellationToken).ConfigureAwait(false);
        Changed?.Invoke();
        return isChanged;
    }

    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(_path + ".lock", new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                });
            }
            catch (DirectoryNotFoundException)
            {
                PrivateFile.MakeFolder(_path);
            }
            catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && _time.GetElapsedTime(started) > LockTime))
            {
                throw new TrustException(TrustFault.NotWritable, _path, $"{_path} cannot be changed: {e.Message}", e);
            }
            catch (IOException)
            {
                // Another process has it.
                await Task.Delay(LockPause, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private void Look()
    {
        if (!_turn.Wait(0))
        {
            return;
        }

        bool isChanged;
        try
        {
            isChanged = Publish(Read());
        }
        finally
        {
            _turn.Release();
        }

        if (isChanged)
        {
            Changed?.Invoke();
        }
    }

    private Snapshot Read()
    {
        byte[]? content = null;
        try
        {
            content = PrivateFile.Read(_path, isSecret: false);
            var old = Volatile.Read(ref _snapshot);
            return content is null ? Snapshot.Nobody
                : old.Fault is null && content.AsSpan().SequenceEqual(old.Content) ? old
                : new Snapshot(content, PeersFormat.Read(_path, content), null);
        }
        catch (TrustException e)
        {
            return new Snapshot(content ?? [], [], e);
        }
    }

    private bool Publish(Snapshot next)
    {
        var old = Volatile.Read(ref _snapshot);
        var isChanged = !ReferenceEquals(old, next) && (old.Fault?.Message != next.Fault?.Message || !old.Content.AsSpan().SequenceEqual(next.Content));
        if (!isChanged)
        {
            return false;
        }

        Volatile.Write(ref _snapshot, next);
        if (next.Fault is { } fault)
        {
            Log.PeersNotUsable(_logger, fault.Message);
        }
        else
        {
            Log.PeersRead(_logger, _path, next.Peers.Count);
        }

        return true;
    }

    /// <summary>What the file said when it was read.</summary>
    private sealed class Snapshot(byte[] content, IReadOnlyList<Peer> peers, TrustException? fault)
    {
        public static Snapshot Nobody { get; } = new([], [], null);

        public byte[] Content => content;

        public IReadOnlyList<Peer> Peers => peers;

        public TrustException? Fault => fault;

        public FrozenDictionary<NodeId, Peer> ById { get; } = peers.ToFrozenDictionary(static peer => peer.Id);
    }
}
