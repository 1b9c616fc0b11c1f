# perf/workloads/pybench.py: a mix of what Python programs do: calls, dictionaries, objects, lists, strings, big numbers.
# SPDX-License-Identifier: 0BSD
import sys,time
def fib(n): return n if n<2 else fib(n-1)+fib(n-2)
class P:
    __slots__=('x','y')
    def __init__(s,x,y): s.x=x; s.y=y
    def add(s,o): return P(s.x+o.x,s.y+o.y)
def main(k):
    r=fib(18+k//4); d={}
    for i in range(20000*k): d[str(i%5000)]=d.get(str(i%5000),0)+i
    p=P(0,0)
    for i in range(20000*k): p=p.add(P(i,i*0.5))
    s=sorted((i*7919)%10007 for i in range(10000*k)); t=''.join(chr(97+i%26) for i in range(20000*k)); w=t.split('z')
    b=1
    for i in range(1,60*k): b=b*i%(1<<521)
    print('python',r,sum(d.values()),p.x,p.y,s[100],len(w),b%1000003)
main(int(sys.argv[1]))
