using System.Collections.Concurrent;
using System.Reflection;
using QbSync.Ports;

namespace QbSync.ClientTests;

/// <summary>The calls of a real client as they are made: counted, and each can be held before it is sent or after it was answered.</summary>
internal sealed class ClientCalls
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>The client, for who is to be looked at.</summary>
    public ITorrentClient Client { get; private set; } = null!;

    /// <summary>Is awaited before a call is sent; its argument is the method's name.</summary>
    public Func<string, Task>? Before { get; set; }

    /// <summary>Is awaited after a call was answered well; its arguments are the method's name and the answer.</summary>
    public Func<string, object?, Task>? After { get; set; }

    /// <summary>Calls so far but polls, by name.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    public static ClientCalls Of(ITorrentClient client)
    {
        var calls = new ClientCalls();
        calls.Client = DispatchProxy.Create<ITorrentClient, Proxy>();
        ((Proxy)calls.Client).Begin(calls, client);
        return calls;
    }

    /// <summary>Calls of a method so far.</summary>
    public int Count(string method) => _counts.GetValueOrDefault(method);

    public void Clear() => _counts.Clear();

    private async ValueTask<T> RunAsync<T>(string method, Func<ValueTask<T>> call)
    {
        _counts.AddOrUpdate(method, 1, static (_, count) => count + 1);
        if (Before is { } before)
        {
            await before(method);
        }

        var answer = await call();
        if (After is { } after)
        {
            await after(method, answer);
        }

        return answer;
    }

    private async ValueTask RunAsync(string method, Func<ValueTask> call) => await RunAsync<object?>(method, async () =>
    {
        await call();
        return null;
    });

    /// <summary>Made by the runtime for the port, whatever its verbs are.</summary>
    public class Proxy : DispatchProxy
    {
        private static readonly MethodInfo Generic = typeof(Proxy).GetMethod(nameof(CallAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

        private ClientCalls _calls = null!;
        private ITorrentClient _client = null!;

        internal void Begin(ClientCalls calls, ITorrentClient client) => (_calls, _client) = (calls, client);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var type = targetMethod!.ReturnType;
            if (type == typeof(ValueTask))
            {
                return _calls.RunAsync(targetMethod.Name, () => (ValueTask)Send(targetMethod, args)!);
            }

            return type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>)
                ? Generic.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [targetMethod, args])
                : Send(targetMethod, args);
        }

        private ValueTask<T> CallAsync<T>(MethodInfo method, object?[]? args) => _calls.RunAsync(method.Name, () => (ValueTask<T>)Send(method, args)!);

        private object? Send(MethodInfo method, object?[]? args) => method.Invoke(_client, BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}
