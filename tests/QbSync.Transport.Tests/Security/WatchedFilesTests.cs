using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Machine;
using QbSync.Transport.Security;

namespace QbSync.Transport.Tests.Security;

/// <summary>Files that are replaced while several use what is made of them.</summary>
internal sealed class WatchedFilesTests
{
    [Test]
    public void Current_WhereAnotherLooksInBetween_IsWhatTheOtherFoundAndIsNotMadeTwice()
    {
        using var folder = new TempDirectory();
        File.WriteAllText(folder["file"], "old");
        var time = new TurningTime();
        var loads = 0;
        var files = new WatchedFiles<string>([folder["file"]], Load, time, NullLogger.Instance);
        File.WriteAllText(folder["file"], "newer");
        time.Advance(TimeSpan.FromSeconds(2));
        time.Next = () => Assert.That(files.Current, Is.EqualTo("newer"));

        Assert.That(files.Current, Is.EqualTo("newer"));
        Assert.That((loads, time.Next), Is.EqualTo((2, (Action?)null)));

        string Load()
        {
            loads++;
            return File.ReadAllText(folder["file"]);
        }
    }

    /// <summary>Lets something happen where the time is read next.</summary>
    private sealed class TurningTime : FakeTimeProvider
    {
        public Action? Next { get; set; }

        public override long GetTimestamp()
        {
            var next = Next;
            Next = null;
            next?.Invoke();
            return base.GetTimestamp();
        }
    }
}
