using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

/// <summary>A link whose throughput follows from the number of its connections, sampled each five seconds of a time that only the test moves.</summary>
internal sealed class ScriptedLink
{
    public static readonly TimeSpan SampleTime = TimeSpan.FromSeconds(5);

    public ScriptedLink(Func<int, double> rate, TransportClientOptions? options = null)
    {
        Rate = rate;
        Scaler = new ConnectionScaler(options ?? new TransportClientOptions());
    }

    public ConnectionScaler Scaler { get; }

    /// <summary>Bytes a second with so many connections.</summary>
    public Func<int, double> Rate { get; set; }

    public int Connections { get; private set; } = 2;

    public int MostConnections { get; set; } = 8;

    public int MostSeen { get; private set; } = 2;

    public bool IsUsable { get; set; } = true;

    /// <summary>Whether what was added opens.</summary>
    public bool Opens { get; set; } = true;

    public long RateLimit { get; set; }

    public TimeSpan NetworkRoundTrip { get; set; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan Now { get; private set; }

    /// <summary>Whenever the scaler wanted something.</summary>
    public List<(TimeSpan At, ScaleAction Action)> Actions { get; } = [];

    public int CountOf(ScaleAction action) => Actions.Count(done => done.Action == action);

    public void Run(TimeSpan time)
    {
        for (var end = Now + time; Now < end;)
        {
            Now += SampleTime;
            var action = Scaler.OnSample(new ScaleSample(Now, Rate(Connections), IsUsable, Connections < MostConnections)
            {
                IsAddedOpen = Opens,
                RateLimit = RateLimit,
                NetworkRoundTrip = NetworkRoundTrip,
                RoundTrip = NetworkRoundTrip,
            });
            Connections += action switch
            {
                ScaleAction.Add => 1,
                ScaleAction.Remove => -1,
                _ => 0,
            };
            MostSeen = Math.Max(MostSeen, Connections);
            if (action != ScaleAction.None)
            {
                Actions.Add((Now, action));
            }
        }
    }
}
