/** Lets so many requests into a host at a time; the others wait in the order in which they came. */
export class Hosts {
  private readonly busy = new Map<string, number>()
  private readonly waiting = new Map<string, (() => void)[]>()

  constructor(private readonly requestsPerHost: number) {}

  /** Waits for a place. @returns gives the place back; calling it twice does nothing more */
  async enter(host: string): Promise<() => void> {
    if ((this.busy.get(host) ?? 0) >= this.requestsPerHost) {
      await new Promise<void>((resolve) => {
        this.waiting.set(host, [...(this.waiting.get(host) ?? []), resolve])
      })
    } else this.busy.set(host, (this.busy.get(host) ?? 0) + 1)
    let inside = true
    return () => {
      if (inside) this.leave(host)
      inside = false
    }
  }

  /** The place goes to the next who waits, or is free. */
  private leave(host: string): void {
    const [next, ...rest] = this.waiting.get(host) ?? []
    this.waiting.set(host, rest)
    if (next !== undefined) next()
    else this.busy.set(host, (this.busy.get(host) ?? 1) - 1)
  }
}
