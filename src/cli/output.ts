import type { Step } from '../contracts/progress.js'
import { asWardbookError, exitCodeOf, type WardbookError } from '../kernel/errors.js'

/** Where a command writes; tests pass their own. */
export interface Streams {
  out(line: string): void
  err(line: string): void
}

export const processStreams: Streams = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
}

/** How a command speaks: for people, or one JSON object a line. */
export interface Output {
  /** A finished step: one line. */
  step(step: Step): void
  /** A result: text to standard output for people, an object a line for programs. */
  result(text: string, facts: Readonly<Record<string, unknown>>): void
  /** A remark that is no result: standard error, people only. */
  note(text: string): void
  /** An error: code, message and what to do. */
  error(error: WardbookError, facts?: Readonly<Record<string, unknown>>): void
}

/** What to do about an error, in words. */
const REMEDY_WORDS: Record<WardbookError['remedy'], string> = {
  retry: 'try again later; what was done is kept',
  'fix-config': 'correct what the message names: the city file, a flag or a variable',
  'fix-source': 'the source broke its promise: look at the file',
  shrink: 'the piece is larger than promised: split it',
  'report-bug': 'this is a mistake of wardbook: please report it with the message above',
}

/** Output for people (`json` false) or programs. Steps go to standard error for people, so that results can be piped. */
export function createOutput(json: boolean, quiet: boolean, streams: Streams = processStreams): Output {
  return json ? jsonOutput(streams) : textOutput(quiet, streams)
}

function jsonOutput({ out }: Streams): Output {
  const line = (kind: string, facts: object) => out(JSON.stringify({ kind, ...facts }))
  return {
    step: ({ stage, dataset, source, message, facts }) =>
      line('step', { stage, dataset, source, message, facts }),
    result: (_text, facts) => line('result', facts),
    note: () => {},
    error: ({ code, remedy, message, facts: ofError }, facts = {}) =>
      line('error', { ...facts, code, remedy, exit: exitCodeOf(remedy), message, facts: ofError }),
  }
}

function textOutput(quiet: boolean, { out, err }: Streams): Output {
  return {
    step: ({ stage, dataset, source, message }) => {
      if (quiet) return
      const place = [dataset, source].filter(Boolean).join('/')
      err(`${stage.padEnd(9)} ${place === '' ? '' : `${place}: `}${message}`)
    },
    result: (text) => out(text),
    note: (text) => {
      if (!quiet) err(text)
    },
    error: ({ code, remedy, message }, facts = {}) => {
      const place = [facts.stage, facts.dataset].filter(Boolean).join(' ')
      err(`error ${code}${place === '' ? '' : ` (${place})`}: ${message}`)
      err(`  → ${REMEDY_WORDS[remedy]}`)
    },
  }
}

/** Says what went wrong and returns the exit code for it. */
export function fail(output: Output, thrown: unknown): number {
  const error = asWardbookError(thrown)
  output.error(error)
  return exitCodeOf(error.remedy)
}
