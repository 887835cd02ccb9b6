using System.Diagnostics.Tracing;

namespace QbSync.Transport.Tests.Server;

/// <summary>Adds up what is allocated on the large object heap, from the runtime's allocation ticks.</summary>
internal sealed class LargeAllocations : EventListener
{
    private const int AllocationTick = 10;
    private const uint LargeObjectHeap = 1;

    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, (EventKeywords)0x1);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData is { EventId: AllocationTick, Payload: [_, uint kind, _, ulong amount, ..] } && kind == LargeObjectHeap)
        {
            Interlocked.Add(ref _bytes, (long)amount);
        }
    }
}
