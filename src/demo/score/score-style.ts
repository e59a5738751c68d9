const LIGHT =
  'page:#fff;text:#1b1f24;muted:#545c66;rule:#d5d9df;panel:#f5f6f8;good:#0b57a4;bad:#a84300;mark:#fdf0e4'
const DARK =
  'page:#14171b;text:#e9ebee;muted:#a8b0ba;rule:#39404a;panel:#1d2127;good:#84bbff;bad:#ffa05c;mark:#2e251c'

const variables = (colors: string) => colors.replaceAll(/(^|;)/g, '$1--')

/** The page's own style: light and dark, phone, print. Words have a contrast of 4.5 or more on their ground. */
export const SCORE_STYLE = `
:root{${variables(LIGHT)};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:68rem;padding:0 1.25rem 3rem;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1{font-size:1.75rem;line-height:1.2;margin:1rem 0 .6rem;text-wrap:balance}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
p,li{max-width:48rem}
p{margin:.5rem 0}
.lead{font-size:1.15rem}
.muted{color:var(--muted)}
.notice{background:var(--mark);border-left:4px solid var(--bad);padding:.45rem .9rem;margin:1rem 0;max-width:none}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:3px solid var(--bad);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.925rem}
caption{text-align:left;color:var(--muted);padding-bottom:.4rem}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 2rem)}
th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
thead th{color:var(--muted);font-weight:600;vertical-align:bottom}
tbody th{font-weight:400}
tbody.sum th{font-weight:600}
th:last-child,td:last-child{padding-right:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.day{white-space:nowrap;font-variant-numeric:tabular-nums}
td.said{min-width:16rem}
table.wide thead th{white-space:normal}
table.wide tbody th,.found,.missed,.not-yet,.not-expected{white-space:nowrap}
.bar{width:9rem;min-width:5rem;padding-top:.7rem}
.bar span{display:block;height:.7rem;background:var(--panel);border:1px solid var(--rule);border-radius:2px}
.bar i{display:block;height:100%;background:var(--good)}
.missed{color:var(--bad);font-weight:600}
.found{color:var(--good)}
ul{margin:.4rem 0;padding-left:1.2rem}
li{margin:.3rem 0}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1.2rem;margin:.6rem 0;max-width:56rem}
dt{font-weight:600}
dd{margin:0}
code{font:.875em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
@media (max-width:40rem){
body{padding:0 1rem 2rem}
h1{font-size:1.45rem}.lead{font-size:1.05rem}
dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.5rem}
.bar{display:none}
table.wide tbody th{white-space:normal;min-width:7.5rem}
td.said{min-width:14rem}
}
@media print{
body{max-width:none;padding:0;font-size:10pt}
table{font-size:8.5pt}
.scroll{overflow:visible}
th,td,.number,table.wide tbody th{padding:.25rem .5rem .25rem 0;white-space:normal}
td.day{white-space:nowrap}
table.wide .bar{display:none}
tr,li{break-inside:avoid}
h2,h3{break-after:avoid}
td.said{min-width:0}
.bar *,.notice{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`
