using System.Reflection;

namespace QbSync.ClientTests;

/// <summary>Made by the runtime: a port as it is but for the answer of one method.</summary>
/// <typeparam name="TPort">The port.</typeparam>
internal class AnswersOf<TPort> : DispatchProxy
    where TPort : class
{
    private TPort _port = null!;
    private string _method = "";
    private Func<object, object> _change = null!;

    public static TPort Change<TAnswer>(TPort port, string method, Func<TAnswer, TAnswer> change)
    {
        var proxy = Create<TPort, AnswersOf<TPort>>();
        var answers = (AnswersOf<TPort>)(object)proxy;
        (answers._port, answers._method, answers._change) = (port, method, pending => ChangeAsync((ValueTask<TAnswer>)pending, change));
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var answer = targetMethod!.Invoke(_port, BindingFlags.DoNotWrapExceptions, null, args, null);
        return targetMethod.Name == _method ? _change(answer!) : answer;
    }

    private static async ValueTask<TAnswer> ChangeAsync<TAnswer>(ValueTask<TAnswer> answer, Func<TAnswer, TAnswer> change) => change(await answer);
}
