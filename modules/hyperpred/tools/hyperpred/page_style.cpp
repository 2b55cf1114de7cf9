// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "page_style.hpp"

#include "markup.hpp"
#include "version.hpp"

namespace cv {
namespace hyperpred {

namespace {

// Contrast of all text is at least 4.5 : 1 in both colour schemes (WCAG AA); test/report_pages measures it.
const char kColours[] = R"(
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#171a1f;--soft:#535b66;--edge:#dce0e6;--well:#e6e9ee;
--accent:#1d5fd1;--second:#b8530a;--good:#117a53;--bad:#b3261e;--good-rgb:17,122,83;--bad-rgb:179,38,30;
--notice:#fff6e0;--notice-edge:#e3b341}
@media (prefers-color-scheme:dark){:root{--page:#0f1216;--card:#181c22;--ink:#e9ecf1;--soft:#a6afbb;--edge:#2c333d;
--well:#2a313a;--accent:#82b1ff;--second:#ffb072;--good:#5fd0a4;--bad:#ff9189;--good-rgb:35,134,98;--bad-rgb:190,62,54;
--notice:#2b2412;--notice-edge:#8a6d1f}}
)";

const char kLayout[] = R"(
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
h1{font-size:clamp(1.35rem,4.5vw,2rem);line-height:1.2;margin:1.75rem 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;line-height:1.25;margin:0 0 .35rem}h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.35rem 0 .75rem;max-width:46rem}.soft,figcaption,caption{color:var(--soft)}.small{font-size:.875rem}
bdi{overflow-wrap:anywhere}a{color:var(--accent)}
nav ul{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;margin:1rem 0;padding:0}
nav a{display:block;padding:.3rem .75rem;border:1px solid var(--edge);border-radius:99px;background:var(--card);
text-decoration:none;font-size:.875rem}
section,.hero{background:var(--card);border:1px solid var(--edge);border-radius:14px;padding:clamp(.9rem,3vw,1.6rem);
margin:0 0 1rem;scroll-margin-top:1rem}
.hero{display:grid;gap:1.25rem 2.5rem}.big{font-size:clamp(2.6rem,9vw,4rem);line-height:1.05;font-weight:700;
letter-spacing:-.02em;margin:0;font-variant-numeric:tabular-nums}.side{display:grid;gap:1.25rem;align-content:start}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.75rem;margin:0;align-content:start}
.facts div{border-left:3px solid var(--well);padding-left:.75rem}.facts dt{color:var(--soft);font-size:.875rem}
.facts dd{margin:0;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.notice{background:var(--notice);border:1px solid var(--notice-edge);border-radius:10px;padding:.75rem 1rem;margin:0}
.notice h2{font-size:1rem}.notice ul{margin:.25rem 0 0;padding-left:1.1rem}
.two{display:grid;gap:1rem;margin-bottom:1rem}.two section{margin:0;min-width:0}
.two section:only-child{grid-column:1/-1}section>:last-child{margin-bottom:0}
@media (min-width:56rem){.hero{grid-template-columns:minmax(20rem,5fr) 6fr}.two{grid-template-columns:1fr 1fr}}
)";

const char kPictures[] = R"(
img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;background:var(--well);border-radius:6px}
.gone{display:block;aspect-ratio:1;padding:.4rem;font-size:.75rem;background:var(--well);border-radius:6px;
overflow:hidden;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:1rem;padding:0;
margin:.75rem 0 0;list-style:none}.cards>li{min-width:0;break-inside:avoid}
.cards.dense{grid-template-columns:repeat(auto-fill,minmax(min(46%,9.5rem),1fr));font-size:.875rem}
.dense h3{font-size:.9375rem}.dense .row{flex-wrap:wrap;gap:0 .5rem}
.strip{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.35rem;margin:.4rem 0;list-style:none;padding:0}
.strip.s2{grid-template-columns:repeat(2,minmax(0,7rem))}.strip.s3{grid-template-columns:repeat(3,minmax(0,7rem))}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(46%,8.5rem),1fr));gap:1rem .75rem;padding:0;
margin:.75rem 0 0;list-style:none}.tiles li{min-width:0;break-inside:avoid}.tiles figure{margin:0}
.tiles figcaption{font-size:.8125rem;line-height:1.35;margin-top:.35rem;overflow-wrap:anywhere}
.tiles b{color:var(--ink)}.row{display:flex;gap:.75rem;align-items:baseline;justify-content:space-between}
.row .n{flex:none}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,28rem),1fr));gap:1.5rem 2rem;
margin-top:.75rem}.pair{min-width:0;border-top:1px solid var(--edge);padding-top:1rem;break-inside:avoid}
.sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.sides>div{min-width:0}.sides p{margin:.35rem 0 0}
@media (max-width:40rem){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.strip.s3{grid-template-columns:repeat(2,minmax(0,1fr))}.strip.s3 li:nth-child(3){display:none}}
)";

const char kTables[] = R"(
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.9375rem}
caption{text-align:left;font-size:.875rem;padding-bottom:.35rem}
th,td{text-align:left;padding:.35rem .5rem .35rem 0;border-bottom:1px solid var(--edge);vertical-align:top;
overflow-wrap:anywhere}th{font-weight:600}tbody th{font-weight:500}td.v{text-align:right;width:50%}
td.n{text-align:right;overflow-wrap:normal}
td.w{width:30%;vertical-align:middle}
th.n{white-space:normal}td.n,th.n{padding:.35rem 0 .35rem .5rem}td.w,th.w{padding-left:.75rem}
.matrix table{table-layout:fixed;border-spacing:2px;border-collapse:separate;font-size:clamp(.625rem,2.6vw,.875rem)}
.matrix td,.matrix thead th{text-align:center;padding:.3em 0;border:0;border-radius:3px;
font-variant-numeric:tabular-nums}
.matrix .name{width:27%;text-align:left}.matrix .total{width:4em}.matrix thead th{overflow-wrap:normal}
.matrix tbody th{border:0;padding:.3em .4em .3em 0;font-weight:400;overflow:hidden;text-overflow:ellipsis;
white-space:nowrap}.matrix tbody th b{display:inline-block;min-width:1.8em;font-variant-numeric:tabular-nums}
.matrix .hit{background:rgba(var(--good-rgb),var(--v));font-weight:600}
.matrix .miss{background:rgba(var(--bad-rgb),var(--v))}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.matrix{position:relative}.overview{margin:1.25rem 0 0}details{margin:.5rem 0 0}
summary{cursor:pointer;color:var(--accent);font-size:.875rem;padding:.25rem 0}
)";

const char kPlots[] = R"(
svg{display:block}svg text{fill:var(--soft);font-size:12px;font-family:inherit}
.plot{width:100%;max-width:30rem;height:auto;margin:.5rem 0}
.interval{width:100%;max-width:26rem;height:auto;margin:.5rem 0}
.bar{width:100%;height:.5rem;border-radius:4px;margin:.3rem 0}
svg line,svg path{fill:none;stroke:var(--edge);stroke-width:1}svg .axis{stroke:var(--soft)}
svg .mark{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}
svg .whisker{stroke:var(--accent);stroke-width:2;opacity:.55}svg .l1{stroke:var(--accent);stroke-width:2.5}
svg .l2{stroke:var(--second);stroke-width:2.5;stroke-dasharray:9 3}
svg .dot{fill:var(--accent);stroke:var(--card);stroke-width:1.5}svg .fill{fill:var(--accent)}
svg .fill.good{fill:var(--good)}svg .fill.bad{fill:var(--bad)}svg .well{fill:var(--well)}
svg .band{fill:var(--accent);opacity:.35}footer{color:var(--soft);font-size:.8125rem;padding-bottom:2rem}
)";

const char kPrint[] = R"(
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--edge:#bbb;--well:#e6e6e6;
--accent:#1d5fd1;--second:#b8530a;--good:#117a53;--bad:#b3261e;--good-rgb:17,122,83;--bad-rgb:179,38,30;--notice:#fff}
body{font-size:10.5pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}nav,details{display:none}
header,main,footer{max-width:none;padding:0}section,.hero{border:0;padding:0 0 1rem;margin:0}
h2,h3,h2+p,h3+p{break-after:avoid}
.hero,.two,.pairs{grid-template-columns:1fr 1fr}.strip.s3{grid-template-columns:repeat(3,minmax(0,1fr))}
.tiles{grid-template-columns:repeat(6,minmax(0,1fr))}.cards{grid-template-columns:repeat(3,minmax(0,1fr))}
figure,table,svg{break-inside:avoid}}
)";

}  // namespace

std::string pageHead(const std::string& title) {
    // The policy makes the promise of a self-contained page one that the browser keeps.
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
           "style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>" +
           escaped(title) + "</title>\n<style>" + kColours + kLayout + kPictures + kTables + kPlots + kPrint +
           "</style>\n</head>\n<body>\n";
}

std::string pageFoot() {
    return std::string("<footer><p>hyperpred ") + kVersion +
           ". This page holds everything it shows and loads nothing.</p></footer>\n</body>\n</html>\n";
}

}  // namespace hyperpred
}  // namespace cv
