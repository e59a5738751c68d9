import { availableParallelism, totalmem } from 'node:os'
import { INGEST_PROFILES, type IngestProfile } from '../ingest/profiles.js'
import { WardbookError } from '../kernel/errors.js'
import type { Environment } from './lake-address.js'

/** What a machine offers. */
export interface Machine {
  readonly cores: number
  readonly memoryBytes: number
}

/** Memory from which two workers leave enough for everything else. */
const FAST_MEMORY_BYTES = 2 * 2 ** 30

/** This machine. */
export function machineHere(): Machine {
  return { cores: availableParallelism(), memoryBytes: totalmem() }
}

/**
 * The profile that `WARDBOOK_INGEST_PROFILE` names, else `fast` on two cores and 2 GiB or more, else `bounded`.
 * @throws WardbookError 'bad-ingest-profile' (fix-config) for another name
 */
export function ingestProfile(environment: Environment, { cores, memoryBytes }: Machine): IngestProfile {
  const named = environment.WARDBOOK_INGEST_PROFILE
  if (named === undefined || named === '') {
    return cores >= 2 && memoryBytes >= FAST_MEMORY_BYTES ? INGEST_PROFILES.fast : INGEST_PROFILES.bounded
  }
  if (named === 'bounded' || named === 'fast') return INGEST_PROFILES[named]
  throw new WardbookError(
    'bad-ingest-profile',
    'fix-config',
    `WARDBOOK_INGEST_PROFILE is '${named}': it is one of ${Object.keys(INGEST_PROFILES).join(', ')}`,
    { WARDBOOK_INGEST_PROFILE: named },
  )
}
