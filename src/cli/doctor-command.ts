import { type Check, type CheckState, examine, exitCodeOfChecks } from '../main/doctor.js'
import type { Output } from './output.js'
import type { CommonOptions } from './program.js'

/** Flags of `wardbook doctor`. */
export interface DoctorOptions extends CommonOptions {
  readonly lake?: string
  readonly racers?: number
  readonly rounds?: number
  readonly endpoint?: readonly string[]
}

const WORDS: Record<CheckState, string> = {
  fit: 'ok',
  unfit: 'NOT FIT',
  unreachable: 'NO ANSWER',
  told: 'note',
}
const WORD_WIDTH = Math.max(...Object.values(WORDS).map((word) => word.length))
const CHECK_WIDTH = 'create-if-absent'.length

/** `wardbook doctor`: one line a check, with what to do when it fails. @returns 0 fit, 78 not fit, 75 no answer */
export async function runDoctor(options: DoctorOptions, output: Output): Promise<number> {
  const { lake, racers, rounds, endpoint: endpoints } = options
  const race = {
    ...(racers ? { racers } : {}),
    ...(rounds ? { rounds } : {}),
    ...(endpoints ? { endpoints } : {}),
  }
  const checks: Check[] = []
  for await (const check of examine({ lake, race })) {
    checks.push(check)
    output.result(lineOf(check), { ...check })
  }
  return exitCodeOfChecks(checks)
}

function lineOf({ check, state, message, todo }: Check): string {
  const line = `${WORDS[state].padEnd(WORD_WIDTH)}  ${check.padEnd(CHECK_WIDTH)}  ${message}`
  return todo === undefined ? line : `${line} → ${todo}`
}
