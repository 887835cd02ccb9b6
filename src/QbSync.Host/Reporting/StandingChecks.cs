using QbSync.Host.Endpoints;

namespace QbSync.Host.Reporting;

/// <summary>What each check of a role said last. One that does not answer is not waited for, nor asked twice at once. Not thread-safe: the board's.</summary>
internal sealed class StandingChecks(IReadOnlyList<ReadinessCheck> checks, TimeProvider time)
{
    private readonly (Task<bool> Running, long Since, bool? Ok, long At)[] _last =
        [.. checks.Select(_ => (Task.FromResult(false), 0L, (bool?)null, 0L))];

    private bool _isFirst = true;

    public IReadOnlyDictionary<string, CheckStatus> Look()
    {
        var answers = new Dictionary<string, CheckStatus>();
        for (var i = 0; i < checks.Count; i++)
        {
            var (running, since, ok, at) = _last[i];
            if (running.IsCompleted)
            {
                if (!_isFirst)
                {
                    (ok, at) = (running.IsCompletedSuccessfully && running.Result, since);
                }

                // On a thread of its own: one that looks at a disk may stand still.
                var check = checks[i];
                (running, since) = (Task.Run(check.IsGoodAsync), time.GetTimestamp());
            }

            _last[i] = (running, since, ok, at);
            answers[checks[i].Name] = new CheckStatus(
                ok, ok switch { null => "unknown", true => "ok", false => "failing" }, ok is null ? null : (long)time.GetElapsedTime(at).TotalSeconds);
        }

        _isFirst = false;
        return answers;
    }
}
