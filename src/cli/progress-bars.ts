import type { Step } from '../contracts/progress.js'

/** What a terminal offers: where lines go, and how wide it is. */
export interface Terminal {
  write(text: string): void
  readonly columns: number
}

/** Bars of a run, a line a dataset. */
export interface ProgressBars {
  step(step: Step): void
  /** Leaves the bars as they are; lines may follow. */
  stop(): void
}

/** Stages that finish a dataset, each worth one share of its bar; reading and typing count by source. */
const STAGES_OF_DATASET = ['measure', 'detect'] as const
const BAR_WIDTH = 24
const REDRAW_MS = 500

/**
 * Draws a bar for each dataset and redraws them at every step, and twice a second for the clock.
 * @param sources number of sources by dataset
 */
export function drawProgress(sources: Readonly<Record<string, number>>, terminal: Terminal): ProgressBars {
  const bars = new Map(Object.entries(sources).map(([dataset, count]) => [dataset, new Bar(dataset, count)]))
  const begun = Date.now()
  let drawn = false
  const draw = () => {
    const seconds = Math.round((Date.now() - begun) / 1_000)
    const lines = [...bars.values()].map((bar) => bar.line(terminal.columns))
    lines.push(`${seconds} s`)
    const up = drawn ? `\u001b[${lines.length}A` : ''
    terminal.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`)
    drawn = true
  }
  draw()
  const timer = setInterval(draw, REDRAW_MS)
  timer.unref()
  return {
    step: (step) => {
      bars.get(step.dataset ?? '')?.take(step)
      draw()
    },
    stop: () => {
      clearInterval(timer)
      draw()
    },
  }
}

class Bar {
  private readonly done = new Set<string>()
  private last = 'waiting'

  constructor(
    private readonly dataset: string,
    private readonly sources: number,
  ) {}

  take({ stage, source, message }: Step): void {
    // A source says several things while it is read; that its rows are committed, or as before, is the last of them.
    if (stage !== 'ingest' || /^(committed|unchanged)/.test(message))
      this.done.add(`${stage}/${source ?? ''}`)
    this.last = `${stage}: ${message}`
  }

  line(columns: number): string {
    const steps = 2 * this.sources + STAGES_OF_DATASET.length
    const share = Math.min(1, this.done.size / steps)
    const full = Math.round(share * BAR_WIDTH)
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`
    return `${this.dataset.padEnd(18)} ${bar} ${this.last}`.slice(0, Math.max(20, columns - 1))
  }
}
