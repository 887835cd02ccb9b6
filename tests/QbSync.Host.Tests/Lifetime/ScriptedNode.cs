using Microsoft.Extensions.Logging;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Endpoints;
using QbSync.Host.Lifetime;
using QbSync.Host.Reporting;

namespace QbSync.Host.Tests.Lifetime;

/// <summary>A role whose work a test writes; all around it is as in the executable.</summary>
internal sealed class ScriptedNode(RoleSettings settings, ILoggerFactory loggers, TimeProvider time) : RoleNode(settings, loggers, time)
{
    private volatile EngineStatus? _status;

    public override EngineStatus? Status => _status;

    /// <summary>Its work, until the token fires.</summary>
    public Func<ScriptedNode, CancellationToken, Task> Work { get; init; } =
        static (_, stop) => Task.Delay(Timeout.Infinite, stop).ContinueWith(static _ => { }, TaskScheduler.Default);

    /// <summary>What is done with other settings.</summary>
    public Action Applies { get; init; } = static () => { };

    /// <summary>Whether it knows that it was told to stop.</summary>
    public new bool IsStopping => base.IsStopping;

    protected override IReadOnlyList<ReadinessCheck> Checks => [new("state", static () => Task.FromResult(true))];

    protected override StatusFacts Facts => new() { Mode = Settings.Mode, Name = "box", Engine = () => Status, Checks = Checks };

    /// <summary>What its engine says from now on.</summary>
    public void Show(EngineStatus status) => _status = status;

    protected override void Build()
    {
    }

    protected override void Apply() => Applies();

    protected override Task RunRoleAsync(CancellationToken stop, CancellationToken hurry) => Work(this, stop);
}
