using Prometheus;

namespace QbSync.MetricFamilies;

/// <summary>
/// The gauges of one owner, set at each scrape by one callback. What the owner throws the registry would swallow, and show stale values for ever: then all gauges of
/// the owner are absent from that scrape, it is counted, and told once. Thread-safe; scrapes overlap. Linked into each package that has gauges.
/// </summary>
internal sealed class ScrapedOwner
{
    private readonly Counter.Child _errors;
    private readonly Action<Exception> _tell;
    private Action[] _reads = [];
    private Action[] _hides = [];
    private int _wasTold;

    /// <param name="factory">Makes the family of errors.</param>
    /// <param name="registry">The registry that is scraped.</param>
    /// <param name="owner">A package in lower case.</param>
    /// <param name="tell">Told the first failure.</param>
    public ScrapedOwner(IMetricFactory factory, CollectorRegistry registry, string owner, Action<Exception> tell)
    {
        _errors = SharedMetricFamilies.CollectErrors(factory).WithLabels(owner);
        _tell = tell;
        registry.AddBeforeCollectCallback(Collect);
    }

    /// <summary>Takes a family in.</summary>
    public Gauge Add(Gauge gauge)
    {
        Append(ref _hides, () => Hide(gauge));
        return gauge;
    }

    /// <summary>Takes in one child of a family that others have children of, too.</summary>
    public Gauge.Child Add(Gauge.Child child)
    {
        Append(ref _hides, child.Unpublish);
        return child;
    }

    /// <summary>Runs <paramref name="read"/> before each scrape: it sets gauges from what their owner publishes, without I/O and without its locks.</summary>
    public void Read(Action read) => Append(ref _reads, read);

    private void Collect()
    {
        try
        {
            foreach (var read in Volatile.Read(ref _reads))
            {
                read();
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            foreach (var hide in Volatile.Read(ref _hides))
            {
                hide();
            }

            _errors.Inc();
            if (Interlocked.Exchange(ref _wasTold, 1) == 0)
            {
                _tell(e);
            }
        }
    }

    private static void Hide(Gauge gauge)
    {
        if (gauge.LabelNames.Length == 0)
        {
            gauge.Unpublish();
            return;
        }

        foreach (var labels in gauge.GetAllLabelValues().ToArray())
        {
            gauge.WithLabels(labels).Unpublish();
        }
    }

    private static void Append(ref Action[] list, Action added)
    {
        var seen = Volatile.Read(ref list);
        while (Interlocked.CompareExchange(ref list, [.. seen, added], seen) is var before && before != seen)
        {
            seen = before;
        }
    }
}
