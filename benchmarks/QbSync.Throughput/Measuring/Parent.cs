namespace QbSync.Throughput.Measuring;

/// <summary>A child's view of the program that started it. Its input ends with the parent, however that ends.</summary>
internal static class Parent
{
    public const string Begin = "begin";

    private static readonly TaskCompletionSource Began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static readonly TaskCompletionSource Over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The parent closed the input, or is gone.</summary>
    public static Task Ended => Over.Task;

    /// <summary>Listens from now on.</summary>
    /// <param name="endsWithInput">The child has nothing to do without its parent: a source, which ends by itself when all is well.</param>
    public static void Listen(bool endsWithInput) => new Thread(() =>
    {
        while (Console.In.ReadLine() is { } line)
        {
            if (line == Begin)
            {
                Began.TrySetResult();
            }
        }

        if (endsWithInput)
        {
            Environment.Exit(1);
        }

        Over.TrySetResult();
    })
    { IsBackground = true }.Start();

    /// <summary>The child's side of <see cref="Child.BeginAsync"/>; without a parent it ends the process.</summary>
    public static Meter WaitForBegin()
    {
        if (Task.WaitAny(Began.Task, Over.Task) != 0)
        {
            Environment.Exit(1);
        }

        GC.Collect();
        var meter = new Meter();
        Console.WriteLine("measuring");
        return meter;
    }
}
