# Stops, starts or restarts a service with all that depends on it.
param([string] $Action, [string] $Name)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

switch ($Action) {
    'start' { Start-Service -Name $Name }
    'stop' { Stop-Service -Name $Name -Force }
    'restart' { Restart-Service -Name $Name -Force }
    default { throw ('start, stop or restart, not ' + $Action) }
}
ConvertTo-Json -Compress -InputObject @{ status = [string] (Get-Service -Name $Name).Status }
