using System.Runtime.CompilerServices;

namespace QbSync.Testing.Waiting;

/// <summary>Bounds every await of a test in real time: a hang fails at its line. The bound is far above what a loaded machine needs.</summary>
public static class TaskExtensions
{
    public static TimeSpan Timeout { get; } = TimeSpan.FromMinutes(2);

    public static async Task DefaultTimeout(this Task task, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        try
        {
            await task.WaitAsync(Timeout);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw Late(file, line);
        }
    }

    public static async Task<T> DefaultTimeout<T>(this Task<T> task, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        await ((Task)task).DefaultTimeout(file, line);
        return await task;
    }

    public static Task DefaultTimeout(this ValueTask task, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        task.AsTask().DefaultTimeout(file, line);

    public static Task<T> DefaultTimeout<T>(this ValueTask<T> task, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        task.AsTask().DefaultTimeout(file, line);

    private static TimeoutException Late(string file, int line) => new($"{Path.GetFileName(file)}:{line} waited for {Timeout.TotalSeconds} s.");
}
