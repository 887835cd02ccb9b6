using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Testing.Destinations;

/// <summary>
/// Keeps account of what a source sends, from outside: a piece is sent once, and once more for each nack, each loss, and each time that the destination
/// took its bit back; never while an answer to it is still to come. Put it between the two with <see cref="Watch"/>, and verify it at the end of the
/// test. Thread-safe.
/// </summary>
public sealed class SendLedger
{
    private readonly Lock _gate = new();
    private readonly Dictionary<InfoHash, Dictionary<int, Account>> _accounts = [];
    private readonly Dictionary<(PieceRef Piece, long Attempt), int> _inFlight = [];
    private readonly Dictionary<InfoHash, (ulong Incarnation, ulong Epoch, int Number)> _grants = [];
    private readonly List<string> _violations = [];

    /// <summary>Pieces that were sent whole, over all torrents.</summary>
    public long Sends
    {
        get
        {
            lock (_gate)
            {
                return _accounts.Values.Sum(static pieces => pieces.Values.Sum(static account => (long)account.Sends));
            }
        }
    }

    /// <summary>What was sent though nothing asked for it.</summary>
    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_gate)
            {
                return [.. _violations];
            }
        }
    }

    /// <summary>The destination, with everything that crosses accounted for.</summary>
    public IDestination Watch(IDestination destination) => new AccountedDestination(destination, this);

    /// <summary>Fails the test if a piece was sent that nothing asked for.</summary>
    public void Verify()
    {
        if (Violations is { Count: > 0 } violations)
        {
            throw new InvalidOperationException($"{violations.Count} pieces were sent that nothing asked for: {string.Join("; ", violations.Take(5))}");
        }
    }

    /// <summary>A source began anew: what was not answered will not be.</summary>
    internal void LinkOpened()
    {
        lock (_gate)
        {
            foreach (var (piece, _) in _inFlight.Keys)
            {
                AccountOf_NeedsLock(piece).Allowed++;
            }

            _inFlight.Clear();
        }
    }

    internal void Sending(PieceRef piece, long attempt)
    {
        lock (_gate)
        {
            var account = AccountOf_NeedsLock(piece);
            if (_inFlight.Keys.Any(key => key.Piece == piece))
            {
                Violate_NeedsLock($"{piece} went out in attempt {attempt} while an answer to it was to come");
            }
            else if (++account.Sends > account.Allowed)
            {
                Violate_NeedsLock($"{piece} went out for the {account.Sends}. time in attempt {attempt}, and {account.Allowed} were asked for");
            }

            _inFlight[(piece, attempt)] = _grants.GetValueOrDefault(piece.Torrent).Number;
        }
    }

    /// <summary>It was not sent whole, and no answer to it comes.</summary>
    internal void NotSent(PieceRef piece, long attempt)
    {
        lock (_gate)
        {
            if (_inFlight.Remove((piece, attempt)))
            {
                AccountOf_NeedsLock(piece).Sends--;
            }
        }
    }

    internal void Lost(PieceRef piece, long attempt)
    {
        lock (_gate)
        {
            if (_inFlight.Remove((piece, attempt)))
            {
                AccountOf_NeedsLock(piece).Allowed++;
            }
        }
    }

    internal void Answered(in PieceAck ack)
    {
        lock (_gate)
        {
            var wasInFlight = _inFlight.Remove((ack.Piece, ack.Attempt), out var grant);
            if (_accounts.GetValueOrDefault(ack.Piece.Torrent)?.GetValueOrDefault(ack.Piece.Index) is not { } account)
            {
                return; // an answer to what was never sent
            }

            if (ack.Status.IsSuccess())
            {
                // A success of a session that ended meanwhile proves nothing.
                var isOld = wasInFlight && grant != _grants.GetValueOrDefault(ack.Piece.Torrent).Number;
                account.IsHeld |= !isOld;
                account.Allowed += isOld ? 1 : 0;
            }
            else if (wasInFlight)
            {
                account.Allowed++;
            }
        }
    }

    /// <summary>The destination told what it holds.</summary>
    internal void Told(InfoHash torrent, ulong? incarnation, ulong epoch, PieceBitmap have, PieceBitmap deferred)
    {
        lock (_gate)
        {
            var known = _grants.TryGetValue(torrent, out var grant);
            var now = (Incarnation: incarnation ?? grant.Incarnation, Epoch: epoch);
            if (!known || now != (grant.Incarnation, grant.Epoch))
            {
                _grants[torrent] = (now.Incarnation, now.Epoch, grant.Number + 1);
            }

            foreach (var (piece, account) in _accounts.GetValueOrDefault(torrent) ?? [])
            {
                if (piece < have.Length && piece < deferred.Length)
                {
                    var holds = have[piece] || deferred[piece];
                    account.Allowed += account.IsHeld && !holds ? 1 : 0;
                    account.IsHeld = holds;
                }
            }
        }
    }

    /// <summary>The source gave the torrent up: what is on its way is forgotten.</summary>
    internal void Forgotten(InfoHash torrent)
    {
        lock (_gate)
        {
            foreach (var key in _inFlight.Keys.Where(key => key.Piece.Torrent == torrent).ToList())
            {
                _inFlight.Remove(key);
                AccountOf_NeedsLock(key.Piece).Allowed++;
            }
        }
    }

    private Account AccountOf_NeedsLock(PieceRef piece)
    {
        if (!_accounts.TryGetValue(piece.Torrent, out var pieces))
        {
            _accounts[piece.Torrent] = pieces = [];
        }

        if (!pieces.TryGetValue(piece.Index, out var account))
        {
            pieces[piece.Index] = account = new Account();
        }

        return account;
    }

    private void Violate_NeedsLock(string what)
    {
        if (_violations.Count < 100)
        {
            _violations.Add(what);
        }
    }

    private sealed class Account
    {
        public int Sends { get; set; }

        public int Allowed { get; set; } = 1;

        public bool IsHeld { get; set; }
    }
}
