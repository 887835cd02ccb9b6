using System.Reflection;
using System.Runtime.ExceptionServices;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A port whose calls the test sees before they go on: it counts them, or throws in their place.</summary>
public class Tapped<T> : DispatchProxy
    where T : class
{
    private T _inner = null!;
    private Action<string, object?[]> _before = static (_, _) => { };

    /// <param name="before">Told the method's name and its arguments.</param>
    public static T Wrap(T inner, Action<string, object?[]>? before)
    {
        if (before is null)
        {
            return inner;
        }

        var wrapped = Create<T, Tapped<T>>();
        var tapped = (Tapped<T>)(object)wrapped;
        tapped._inner = inner;
        tapped._before = before;
        return wrapped;
    }

    /// <inheritdoc />
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _before(targetMethod!.Name, args ?? []);
        try
        {
            return targetMethod.Invoke(_inner, args);
        }
        catch (TargetInvocationException e) when (e.InnerException is { } inner)
        {
            ExceptionDispatchInfo.Throw(inner);
            throw;
        }
    }
}
