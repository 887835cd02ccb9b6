using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor;

/// <summary>
/// One thing that a role needs. It looks, by <see cref="RunAsync"/>, and judges what it saw by a function of its own without any I/O.
/// </summary>
internal abstract class DoctorCheck(string id, Roles roles)
{
    /// <summary>Its name, as docs and output have it.</summary>
    public string Id => id;

    /// <summary>Whom it concerns.</summary>
    public Roles Roles => roles;

    /// <summary>What is said when it took too long. What is not known is not ok.</summary>
    public virtual Finding Late => Finding.Skip($"not known: it took longer than {DoctorRunner.Longest.TotalSeconds} s");

    /// <summary>Looks and judges.</summary>
    public abstract Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken);
}
