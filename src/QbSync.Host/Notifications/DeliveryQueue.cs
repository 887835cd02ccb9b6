namespace QbSync.Host.Notifications;

/// <summary>One notification for one receiver.</summary>
/// <param name="Receiver">By name: a receiver may be changed while something waits for it.</param>
/// <param name="Number">Rises from one to the next.</param>
/// <param name="Tries">Tries so far.</param>
/// <param name="DueAt">Not before, by the queue's clock.</param>
internal sealed record Delivery(string Receiver, Notification Told, long Number, int Tries, TimeSpan DueAt);

/// <summary>
/// Deliveries that wait, for their turn or for another try, so many at most: for one more the oldest is dropped. Of those that are due, the oldest of the
/// receiver that has least under way is next: one that hangs takes no other's place. Pure: times are passed in. Not thread-safe.
/// </summary>
internal sealed class DeliveryQueue(int capacity)
{
    private readonly LinkedList<Delivery> _waiting = []; // oldest first
    private readonly Dictionary<string, int> _underWay = [];

    public int Count => _waiting.Count;

    /// <summary>Takes one in.</summary>
    /// <returns>The one that was dropped for it, which may be itself; null for none.</returns>
    public Delivery? Add(Delivery delivery)
    {
        var after = _waiting.Last;
        while (after is not null && after.Value.Number > delivery.Number)
        {
            after = after.Previous;
        }

        if (after is null)
        {
            _waiting.AddFirst(delivery);
        }
        else
        {
            _waiting.AddAfter(after, delivery);
        }

        if (_waiting.Count <= capacity)
        {
            return null;
        }

        var oldest = _waiting.First!.Value;
        _waiting.RemoveFirst();
        return oldest;
    }

    /// <summary>Takes the next one that is due out, to be tried; null for none. Its <see cref="Ended"/> has to follow.</summary>
    public Delivery? Take(TimeSpan now)
    {
        LinkedListNode<Delivery>? best = null;
        for (var node = _waiting.First; node is not null; node = node.Next)
        {
            if (node.Value.DueAt <= now && (best is null || UnderWay(node) < UnderWay(best)))
            {
                best = node;
            }
        }

        if (best is null)
        {
            return null;
        }

        _waiting.Remove(best);
        _underWay[best.Value.Receiver] = UnderWay(best) + 1;
        return best.Value;
    }

    /// <summary>The try of one that was taken is over.</summary>
    public void Ended(Delivery delivery)
    {
        if (--_underWay[delivery.Receiver] == 0)
        {
            _underWay.Remove(delivery.Receiver);
        }
    }

    /// <summary>When the next one is due; null when none waits.</summary>
    public TimeSpan? NextDue => _waiting.Count == 0 ? null : _waiting.Min(static delivery => delivery.DueAt);

    /// <summary>Takes out what is not due by then.</summary>
    /// <returns>How many those were.</returns>
    public int RemoveLaterThan(TimeSpan until)
    {
        var removed = 0;
        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.DueAt > until)
            {
                _waiting.Remove(node);
                removed++;
            }

            node = next;
        }

        return removed;
    }

    private int UnderWay(LinkedListNode<Delivery> node) => _underWay.GetValueOrDefault(node.Value.Receiver);
}
