# Reads one line of JSON from stdin, runs the script in it, and answers with one marked line of ASCII.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$mark = '@MARK@'
if ($PSVersionTable.PSVersion.Major -lt 3) {
    [Console]::Out.WriteLine($mark + 'old ' + $PSVersionTable.PSVersion + $mark)
    exit 3
}
function Write-Marked([string] $Kind, [string] $Json) {
    $ascii = [regex]::Replace($Json, '[^ -~]', { param($one) '\u{0:x4}' -f [int] $one.Value[0] })
    [Console]::Out.WriteLine($mark + $Kind + ' ' + $ascii + $mark)
}
try {
    $order = ConvertFrom-Json -InputObject (@($input) -join '')
    $with = @{}
    foreach ($one in $order.with.PSObject.Properties) { $with[$one.Name] = $one.Value }
    $said = @(& ([scriptblock]::Create($order.script)) @with)
    if ($said.Count -ne 1) { throw ('the script wrote {0} things, not one' -f $said.Count) }
    Write-Marked 'answer' ([string] $said[0])
} catch {
    $why = @{ message = $_.Exception.Message; id = $_.FullyQualifiedErrorId; line = $_.InvocationInfo.ScriptLineNumber }
    Write-Marked 'failure' (ConvertTo-Json -Compress -InputObject $why)
    exit 1
}
