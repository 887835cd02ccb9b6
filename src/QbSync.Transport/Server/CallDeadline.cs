using Grpc.Core;

namespace QbSync.Transport.Server;

/// <summary>
/// How long a call may still take. Begins with the time for its first message; the verb moves it on as it gets along, and takes it away from what may last.
/// One per call, set on it before a message is read. Thread-safe.
/// </summary>
internal sealed class CallDeadline(TimeSpan first, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _late = new(first, time);

    /// <summary>The first message of a call has to be there within this.</summary>
    public static TimeSpan FirstMessage { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Hello is answered within this.</summary>
    public static TimeSpan Greeting { get; } = TimeSpan.FromSeconds(5);

    /// <summary>A call is answered within this after its last message: longer work answers that it goes on.</summary>
    public static TimeSpan Answer { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Each further message of an upload has to be there within this.</summary>
    public static TimeSpan NextPart { get; } = TimeSpan.FromSeconds(30);

    public bool IsOver => _late.IsCancellationRequested;

    public CancellationToken Token => _late.Token;

    /// <summary>The deadline of a call; null for one that did not come by the gate.</summary>
    public static CallDeadline? Of(ServerCallContext context) => context.GetHttpContext().Features.Get<CallDeadline>();

    /// <summary>Begins anew with so much time. A deadline that is over stays so.</summary>
    public void Restart(TimeSpan left) => _late.CancelAfter(left);

    /// <summary>The call may last.</summary>
    public void Stop() => _late.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose() => _late.Dispose();
}
