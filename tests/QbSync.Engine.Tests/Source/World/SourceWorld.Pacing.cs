namespace QbSync.Engine.Tests.Source.World;

internal sealed partial class SourceWorld
{
    /// <summary>Lets virtual time pass in steps that are all alike until the condition holds, and does something before each.</summary>
    public Task PaceUntilAsync(Func<bool> condition, TimeSpan step, Action? each = null) => PassUntilAsync(
        () =>
        {
            each?.Invoke();
            return condition();
        },
        step);
}
