using QbSync.Testing.Logging;

namespace QbSync.Transport.Tests.Security;

/// <summary>Two nodes that know nothing of each other yet, one to listen and one to dial, and a log that must hold no error in the end.</summary>
internal abstract class TwoNodes
{
    private protected LogErrorGuard Logs { get; private set; } = null!;

    private protected SecureNode Listener { get; private set; } = null!;

    private protected SecureNode Dialer { get; private set; } = null!;

    [SetUp]
    public void MakeNodes()
    {
        Logs = new LogErrorGuard();
        Listener = new SecureNode(Logs, "nas");
        Dialer = new SecureNode(Logs, "box");
    }

    [TearDown]
    public async Task EndNodesAsync()
    {
        await Dialer.DisposeAsync();
        await Listener.DisposeAsync();
        Logs.Verify();
        Logs.Dispose();
    }
}
