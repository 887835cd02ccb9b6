using System.Collections.Concurrent;
using System.Reflection;

namespace QbSync.ClientTests;

/// <summary>A call of a port.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Arguments">As given.</param>
/// <param name="At">When it was made, by the monotonic clock.</param>
internal sealed record PortCall(string Method, IReadOnlyList<object?> Arguments, long At);

/// <summary>
/// The calls of a port of a real part as they are made: counted, and each can be held before it is sent or after it was answered. A port that was cut off sends
/// nothing more and tells no answer any more, as for a process that died.
/// </summary>
/// <typeparam name="TPort">The port.</typeparam>
internal sealed class PortCalls<TPort>
    where TPort : class
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<PortCall> _calls = new();
    private readonly ConcurrentBag<Func<PortCall, Task>> _holds = [], _follows = [];
    private volatile bool _isCut;

    /// <summary>The port, for who is to be looked at.</summary>
    public TPort Port { get; private set; } = null!;

    /// <summary>Is awaited before a call is sent; its argument is the method's name.</summary>
    public Func<string, Task>? Before { get; set; }

    /// <summary>Is awaited after a call was answered well; its arguments are the method's name and the answer.</summary>
    public Func<string, object?, Task>? After { get; set; }

    /// <summary>Calls so far, by name.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    public static PortCalls<TPort> Of(TPort port)
    {
        var calls = new PortCalls<TPort>();
        calls.Port = DispatchProxy.Create<TPort, PortProxy<TPort>>();
        ((PortProxy<TPort>)(object)calls.Port).Begin(calls, port);
        return calls;
    }

    /// <summary>Calls of a method so far.</summary>
    public int Count(string method) => _counts.GetValueOrDefault(method);

    /// <summary>Calls of a method so far, in order.</summary>
    public IReadOnlyList<PortCall> Of(string method) => [.. _calls.Where(call => call.Method == method)];

    public void Clear()
    {
        _counts.Clear();
        _calls.Clear();
    }

    /// <summary>Has something awaited before each call from now on is sent; what it throws the caller gets, and nothing is sent.</summary>
    public void Hold(Func<PortCall, Task> hold) => _holds.Add(hold);

    /// <summary>Has something awaited after each call from now on was answered well, before the answer is told.</summary>
    public void Follow(Func<PortCall, Task> follow) => _follows.Add(follow);

    /// <summary>From now on nothing passes, in either direction.</summary>
    public void CutOff() => _isCut = true;

    internal async ValueTask<T> RunAsync<T>(string method, object?[]? args, Func<ValueTask<T>> send)
    {
        var call = new PortCall(method, args ?? [], TimeProvider.System.GetTimestamp());
        ThrowIfCut();
        _counts.AddOrUpdate(method, 1, static (_, count) => count + 1);
        _calls.Enqueue(call);
        if (Before is { } before)
        {
            await before(method);
        }

        foreach (var hold in _holds)
        {
            await hold(call);
        }

        ThrowIfCut();
        var answer = await send();
        if (After is { } after)
        {
            await after(method, answer);
        }

        foreach (var follow in _follows)
        {
            await follow(call);
        }

        ThrowIfCut();
        return answer;
    }

    internal async ValueTask RunAsync(string method, object?[]? args, Func<ValueTask> send) => await RunAsync<object?>(method, args, async () =>
    {
        await send();
        return null;
    });

    private void ThrowIfCut()
    {
        if (_isCut)
        {
            throw new IOException("This port was cut off.");
        }
    }
}

/// <summary>Made by the runtime for a port, whatever its verbs are.</summary>
/// <typeparam name="TPort">The port.</typeparam>
internal class PortProxy<TPort> : DispatchProxy
    where TPort : class
{
    private static readonly MethodInfo Generic = typeof(PortProxy<TPort>).GetMethod(nameof(CallAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private PortCalls<TPort> _calls = null!;
    private TPort _port = null!;

    internal void Begin(PortCalls<TPort> calls, TPort port) => (_calls, _port) = (calls, port);

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var type = targetMethod!.ReturnType;
        if (type == typeof(ValueTask))
        {
            return _calls.RunAsync(targetMethod.Name, args, () => (ValueTask)Send(targetMethod, args)!);
        }

        return type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>)
            ? Generic.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [targetMethod, args])
            : Send(targetMethod, args);
    }

    private ValueTask<T> CallAsync<T>(MethodInfo method, object?[]? args) => _calls.RunAsync(method.Name, args, () => (ValueTask<T>)Send(method, args)!);

    private object? Send(MethodInfo method, object?[]? args) => method.Invoke(_port, BindingFlags.DoNotWrapExceptions, null, args, null);
}
