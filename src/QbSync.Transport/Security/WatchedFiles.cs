using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>
/// A value made of files that others replace, such as certificates that are renewed. Looked at when it is used, at most each second; what cannot be used, as
/// between the replacement of one file and of the next, leaves the old value in force. Thread-safe.
/// </summary>
internal sealed partial class WatchedFiles<T>
    where T : class
{
    private static readonly TimeSpan LookEach = TimeSpan.FromSeconds(1);
    private readonly IReadOnlyList<string> _paths;
    private readonly Func<T> _load;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private State _state;

    /// <exception cref="TrustException">The first value cannot be made.</exception>
    public WatchedFiles(IReadOnlyList<string> paths, Func<T> load, TimeProvider time, ILogger logger)
    {
        (_paths, _load, _time, _logger) = (paths, load, time, logger);
        var stamps = Stamps();
        _state = new State(load(), stamps, time.GetTimestamp());
    }

    public T Current
    {
        get
        {
            var state = Volatile.Read(ref _state);
            if (_time.GetElapsedTime(state.LookedAt) < LookEach || !_gate.TryEnter())
            {
                return state.Value;
            }

            try
            {
                // Somebody may have looked since: what is in force is never replaced by what was before it.
                state = _state;
                return (_time.GetElapsedTime(state.LookedAt) < LookEach ? state : Look(state)).Value;
            }
            finally
            {
                _gate.Exit();
            }
        }
    }

    private State Look(State old)
    {
        var stamps = Stamps();
        var next = old with { LookedAt = _time.GetTimestamp() };
        if (!stamps.SequenceEqual(old.Stamps))
        {
            try
            {
                next = next with { Value = _load(), Stamps = stamps };
                Log.FilesReloaded(_logger, _paths[0]);
            }
            catch (TrustException e)
            {
                next = next with { Stamps = stamps };
                Log.FilesNotUsable(_logger, e.Message);
            }
        }

        Volatile.Write(ref _state, next);
        return next;
    }

    private (DateTime, long)[] Stamps() => [.. _paths.Select(static path => new FileInfo(path)).Select(static file =>
        file.Exists ? (file.LastWriteTimeUtc, file.Length) : default)];

    private sealed record State(T Value, (DateTime, long)[] Stamps, long LookedAt);
}
