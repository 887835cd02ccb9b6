namespace QbSync.Engine.Destination.Handoff;

/// <summary>
/// One operation that equal calls share. Its answer is kept a moment for the caller that was answered Running and asks again; after that an equal call
/// begins anew, since what was seen then says nothing of now. Used in a session's turns only.
/// </summary>
internal sealed class SharedCall<T>
    where T : class
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(2);
    private byte[] _key = [];
    private Task<T?>? _answer;
    private long _endedAt;

    /// <summary>Whether an operation has begun and not ended.</summary>
    public bool IsRunning => _answer is { IsCompleted: false };

    /// <summary>The answer of the operation with this key, which is begun when there is none.</summary>
    public Task<T?> Join(ReadOnlySpan<byte> key, TimeProvider time, Func<Task<T?>> begin)
    {
        var isKept = _answer is { } answer && (!answer.IsCompleted || time.GetElapsedTime(Volatile.Read(ref _endedAt)) <= KeptFor);
        if (!isKept || !key.SequenceEqual(_key))
        {
            _key = key.ToArray();
            _answer = RunAsync(time, begin);
        }

        return _answer!;
    }

    /// <summary>The next call begins anew.</summary>
    public void Forget() => _answer = null;

    private async Task<T?> RunAsync(TimeProvider time, Func<Task<T?>> begin)
    {
        try
        {
            return await begin().ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _endedAt, time.GetTimestamp());
        }
    }
}
