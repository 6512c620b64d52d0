/** Made by profile.generate.ts: tag, action of the Basic Profile, and the actions of the options that change it. */
export const PROFILE_EDITION = 'PS3.15 2024e, table E.1-1';
export const PROFILE_ROWS = `\
00001000 X uids:K
00001001 U uids:K
00020003 U uids:K
00041511 U uids:K
00080012 X/D full-dates:K modified-dates:C
00080013 X/Z/D full-dates:K modified-dates:C
00080014 U uids:K
00080015 X full-dates:K modified-dates:C
00080017 U uids:K
00080018 U uids:K
00080019 U uids:K
00080020 Z full-dates:K modified-dates:C
00080021 X/D full-dates:K modified-dates:C
00080022 X/Z full-dates:K modified-dates:C
00080023 Z/D full-dates:K modified-dates:C
00080024 X full-dates:K modified-dates:C
00080025 X full-dates:K modified-dates:C
0008002a X/Z/D full-dates:K modified-dates:C
00080030 Z full-dates:K modified-dates:C
00080031 X/D full-dates:K modified-dates:C
00080032 X/Z full-dates:K modified-dates:C
00080033 Z/D full-dates:K modified-dates:C
00080034 X full-dates:K modified-dates:C
00080035 X full-dates:K modified-dates:C
00080050 Z
00080054 X device:C
00080055 X device:C
00080058 U uids:K
00080080 X/Z/D institution:K
00080081 X institution:K
00080082 X/Z/D institution:K
00080090 Z
00080092 X
00080094 X
00080096 X
0008009c Z
0008009d X
00080106 D full-dates:K modified-dates:C
00080107 D full-dates:K modified-dates:C
00080201 X full-dates:K modified-dates:C
00081000 X device:C
00081010 X/Z/D device:K
00081030 X descriptors:C
0008103e X descriptors:C
00081040 X institution:K
00081041 X institution:K
00081048 X
00081049 X
00081050 X
00081052 X
00081060 X
00081062 X
00081070 X/Z/D
00081072 X/D
00081080 X descriptors:C
00081084 X descriptors:C
00081088 X descriptors:C
00081110 X/Z uids:K
00081111 X/Z/D uids:K
00081120 X uids:K
00081140 X/Z/U* uids:K
00081155 U uids:K
00081195 U uids:K
00082111 X descriptors:C
00082112 X/Z/U* uids:K
00083010 U uids:K
00084000 X descriptors:C
00100010 Z
00100020 Z/D
00100021 X
00100030 Z
00100032 X
00100040 Z patient-characteristics:K
00100050 X
00100101 X
00100102 X
00101000 X
00101001 X
00101002 X
00101005 X
00101010 X patient-characteristics:K
00101020 X patient-characteristics:K
00101030 X patient-characteristics:K
00101040 X
00101050 X
00101060 X
00101080 X
00101081 X
00101090 X
00101100 X
00102000 X descriptors:C
00102110 X patient-characteristics:C descriptors:C
00102150 X
00102152 X
00102154 X
00102155 X
00102160 X patient-characteristics:K
00102180 X descriptors:C
001021a0 X patient-characteristics:K
001021b0 X descriptors:C
001021c0 X patient-characteristics:K
001021d0 X full-dates:K modified-dates:C
001021f0 X
00102203 X/Z patient-characteristics:K
00102297 X
00102299 X
00104000 X descriptors:C
00120010 D
00120020 D
00120021 Z
00120022 X
00120023 X
00120030 Z institution:K
00120031 Z institution:K
00120032 X
00120040 D
00120041 X
00120042 D
00120043 X
00120050 Z
00120051 X descriptors:C
00120055 X
00120060 Z institution:K
00120071 X
00120072 X descriptors:C
00120073 X
00120081 D institution:K
00120082 X
00120086 X full-dates:K modified-dates:C
00120087 X full-dates:K modified-dates:C
0014407c X device:K full-dates:K modified-dates:C
0014407e X device:K full-dates:K modified-dates:C
0016002b X descriptors:C
0016004b X descriptors:C
0016004d X
0016004e X device:K
0016004f X device:K
00160050 X device:K
00160051 X device:K
00160070 X
00160071 X
00160072 X
00160073 X
00160074 X
00160075 X
00160076 X
00160077 X
00160078 X
00160079 X
0016007a X
0016007b X
0016007c X
0016007d X
0016007e X
0016007f X
00160080 X
00160081 X
00160082 X
00160083 X
00160084 X
00160085 X
00160086 X
00160087 X
00160088 X
00160089 X
0016008a X
0016008b X
0016008c X
0016008d X full-dates:K modified-dates:C
0016008e X
00180010 Z/D descriptors:C
00180027 X full-dates:K modified-dates:C
00180035 X full-dates:K modified-dates:C
00181000 X/Z/D device:K
00181002 U uids:K device:K
00181004 X device:K
00181005 X device:K
00181007 X device:K
00181008 X device:K
00181009 X device:K
0018100a X device:K
0018100b U uids:K device:K
00181012 X full-dates:K modified-dates:C
00181014 X full-dates:K modified-dates:C
00181030 X/D descriptors:C
00181042 X full-dates:K modified-dates:C
00181043 X full-dates:K modified-dates:C
00181072 X full-dates:K modified-dates:C
00181073 X full-dates:K modified-dates:C
00181078 X full-dates:K modified-dates:C
00181079 X full-dates:K modified-dates:C
001811bb D descriptors:C
00181200 X device:K full-dates:K modified-dates:C
00181201 X device:K full-dates:K modified-dates:C
00181202 X device:K full-dates:K modified-dates:C
00181203 Z device:K full-dates:K modified-dates:C
00181204 X device:K full-dates:K modified-dates:C
00181205 X device:K full-dates:K modified-dates:C
00181400 X/D descriptors:C
00182042 U uids:K
00184000 X descriptors:C
00185011 X device:K
0018700a X/D device:K
0018700c X/D device:K full-dates:K modified-dates:C
0018700e X/D device:K full-dates:K modified-dates:C
00189074 D full-dates:K modified-dates:C
00189151 D full-dates:K modified-dates:C
00189185 X descriptors:C
00189367 D device:K
00189369 D full-dates:K modified-dates:C
0018936a D full-dates:K modified-dates:C
00189371 D device:K
00189373 X device:K
0018937b X descriptors:C
0018937f X descriptors:C
00189424 X descriptors:C
00189516 X/D full-dates:K modified-dates:C
00189517 X/D full-dates:K modified-dates:C
00189623 D full-dates:K modified-dates:C
00189701 D full-dates:K modified-dates:C
00189804 D full-dates:K modified-dates:C
00189919 Z/D full-dates:K modified-dates:C
00189937 X descriptors:C
0018a002 X full-dates:K modified-dates:C
0018a003 X descriptors:C
0020000d U uids:K
0020000e U uids:K
00200010 Z
00200027 X descriptors:C
00200052 U uids:K
00200200 U uids:K
00203401 X device:K
00203403 X full-dates:K modified-dates:C
00203405 X full-dates:K modified-dates:C
00203406 X
00204000 X descriptors:C
00209158 X descriptors:C
00209161 U uids:K
00209164 U uids:K
00281199 U uids:K
00281214 U uids:K
00284000 X
00320012 X
00320032 X full-dates:K modified-dates:C
00320033 X full-dates:K modified-dates:C
00320034 X full-dates:K modified-dates:C
00320035 X full-dates:K modified-dates:C
00321000 X full-dates:K modified-dates:C
00321001 X full-dates:K modified-dates:C
00321010 X full-dates:K modified-dates:C
00321011 X full-dates:K modified-dates:C
00321020 X device:K
00321021 X device:C
00321030 X descriptors:C
00321032 X
00321033 X
00321040 X full-dates:K modified-dates:C
00321041 X full-dates:K modified-dates:C
00321050 X full-dates:K modified-dates:C
00321051 X full-dates:K modified-dates:C
00321060 X/Z descriptors:C
00321066 X descriptors:C
00321067 X descriptors:C
00321070 X descriptors:C
00324000 X descriptors:C
00340001 D
00340002 D
00340005 D
00340007 D full-dates:K modified-dates:C
00380004 X
00380010 X
00380011 X
00380014 X
0038001a X full-dates:K modified-dates:C
0038001b X full-dates:K modified-dates:C
0038001c X full-dates:K modified-dates:C
0038001d X full-dates:K modified-dates:C
0038001e X
00380020 X full-dates:K modified-dates:C
00380021 X full-dates:K modified-dates:C
00380030 X full-dates:K modified-dates:C
00380032 X full-dates:K modified-dates:C
00380040 X descriptors:C
00380050 X patient-characteristics:C
00380060 X
00380061 X
00380062 X descriptors:C
00380064 X
00380300 X
00380400 X
00380500 X patient-characteristics:C descriptors:C
00384000 X descriptors:C
003a0310 U uids:K
003a0314 D full-dates:K modified-dates:C
003a0329 X descriptors:C
003a032b X descriptors:C
00400001 X device:C
00400002 X full-dates:K modified-dates:C
00400003 X full-dates:K modified-dates:C
00400004 X full-dates:K modified-dates:C
00400005 X full-dates:K modified-dates:C
00400006 X
00400007 X descriptors:C
00400009 X
0040000b X
00400010 X device:K
00400011 X device:K
00400012 X patient-characteristics:C
00400241 X device:C
00400242 X device:K
00400243 X
00400244 X full-dates:K modified-dates:C
00400245 X full-dates:K modified-dates:C
00400250 X full-dates:K modified-dates:C
00400251 X full-dates:K modified-dates:C
00400253 X
00400254 X descriptors:C
00400275 X descriptors:C
00400280 X descriptors:C
00400310 X descriptors:C
0040050a X
00400512 D
00400513 Z
0040051a X descriptors:C
00400551 D
00400554 U uids:K
00400555 X/Z structured-content:C
00400562 Z
00400600 X descriptors:C
00400602 X descriptors:C
00400610 Z structured-content:C
004006fa X
00401001 X
00401002 X descriptors:C
00401004 X
00401005 X
0040100a X descriptors:C
00401010 X
00401011 X
00401101 D
00401102 X
00401103 X
00401104 X
00401400 X descriptors:C
00402001 X descriptors:C
00402004 X full-dates:K modified-dates:C
00402005 X full-dates:K modified-dates:C
00402008 X
00402009 X
00402010 X
00402011 X
00402016 Z
00402017 Z
00402400 X descriptors:C
00403001 X
00404005 X full-dates:K modified-dates:C
00404008 X full-dates:K modified-dates:C
00404010 X full-dates:K modified-dates:C
00404011 X full-dates:K modified-dates:C
00404023 U uids:K
00404025 X device:K
00404027 X device:K
00404028 X device:K
00404030 X device:K
00404034 X
00404035 X
00404036 X
00404037 X
00404050 X full-dates:K modified-dates:C
00404051 X full-dates:K modified-dates:C
00404052 X full-dates:K modified-dates:C
0040a023 X full-dates:K modified-dates:C
0040a024 X full-dates:K modified-dates:C
0040a027 D
0040a030 D full-dates:K modified-dates:C
0040a032 X/D full-dates:K modified-dates:C
0040a033 X full-dates:K modified-dates:C
0040a073 D
0040a075 D
0040a078 X
0040a07a X
0040a07c X
0040a082 Z full-dates:K modified-dates:C
0040a088 Z
0040a110 X full-dates:K modified-dates:C
0040a112 X full-dates:K modified-dates:C
0040a120 D full-dates:K modified-dates:C
0040a121 D full-dates:K modified-dates:C
0040a122 D full-dates:K modified-dates:C
0040a123 D
0040a124 U
0040a13a D full-dates:K modified-dates:C
0040a171 U uids:K
0040a172 U uids:K
0040a192 X full-dates:K modified-dates:C
0040a193 X full-dates:K modified-dates:C
0040a307 X
0040a352 X
0040a353 X
0040a354 X
0040a358 X
0040a402 U uids:K
0040a730 D structured-content:C
0040db06 X full-dates:K modified-dates:C
0040db07 X full-dates:K modified-dates:C
0040db0c U uids:K
0040db0d U uids:K
0040e004 X full-dates:K modified-dates:C
00420011 D
00440004 X full-dates:K modified-dates:C
0044000b X full-dates:K modified-dates:C
00440010 X full-dates:K modified-dates:C
00440104 D full-dates:K modified-dates:C
00440105 X full-dates:K modified-dates:C
0050001b X
00500020 X device:K
00500021 X descriptors:C
00620021 U uids:K
00640003 U uids:K
00686226 D full-dates:K modified-dates:C
00686270 D full-dates:K modified-dates:C
006a0003 D uids:K
006a0005 D descriptors:C
006a0006 X descriptors:C
00700001 D graphics:C
00700082 X full-dates:K modified-dates:C
00700083 X full-dates:K modified-dates:C
00700084 Z/D
00700086 X
0070031a U uids:K
00701101 U uids:K
00701102 U uids:K
0072000a D full-dates:K modified-dates:C
0072005e D device:C
0072005f D patient-characteristics:K
00720061 D full-dates:K modified-dates:C
00720063 D full-dates:K modified-dates:C
00720065 D
00720066 D descriptors:C
00720068 D descriptors:C
0072006a D
0072006b D full-dates:K modified-dates:C
0072006c D descriptors:C
0072006d D
0072006e D descriptors:C
00720070 D descriptors:C
00720071 D
00741234 X device:C
00741236 X device:C
00880140 U uids:K
00880200 X
00880904 X
00880906 X
00880910 X
00880912 X
01000420 X full-dates:K modified-dates:C
04000100 U
04000105 D full-dates:K modified-dates:C
04000115 D
04000310 X full-dates:K modified-dates:C
04000402 X
04000403 X
04000404 X
04000550 X
04000551 X
04000552 X
04000561 X
04000562 D full-dates:K modified-dates:C
04000563 D device:K
04000564 Z institution:K
04000565 D descriptors:C
04000600 X
20300020 X
21000040 X full-dates:K modified-dates:C
21000050 X full-dates:K modified-dates:C
21000070 X device:C
21000140 D device:C
22000002 X/Z descriptors:C
22000005 X/Z
30020121 X descriptors:C
30020123 X descriptors:C
30060002 D descriptors:C
30060004 X descriptors:C
30060006 X descriptors:C
30060008 Z full-dates:K modified-dates:C
30060009 Z full-dates:K modified-dates:C
30060024 U uids:K
30060026 Z descriptors:C
30060028 X descriptors:C
3006002d X full-dates:K modified-dates:C
3006002e X full-dates:K modified-dates:C
30060038 X descriptors:C
3006004d X
3006004e X
30060085 X descriptors:C
30060088 X descriptors:C
300600a6 Z
300600c2 U uids:K
30080024 D full-dates:K modified-dates:C
30080025 D full-dates:K modified-dates:C
30080054 X/D full-dates:K modified-dates:C
30080056 X/D full-dates:K modified-dates:C
30080105 X/Z device:K
30080162 D full-dates:K modified-dates:C
30080164 D full-dates:K modified-dates:C
30080166 D full-dates:K modified-dates:C
30080168 D full-dates:K modified-dates:C
30080250 X/D full-dates:K modified-dates:C
30080251 X/D full-dates:K modified-dates:C
300a0002 D descriptors:C
300a0003 X descriptors:C
300a0004 X descriptors:C
300a0006 X/D full-dates:K modified-dates:C
300a0007 X/D full-dates:K modified-dates:C
300a000b X descriptors:C
300a000e X descriptors:C
300a0013 U uids:K
300a0016 X descriptors:C
300a0072 X descriptors:C
300a0083 U uids:K
300a00b2 X/Z device:K
300a00c3 X descriptors:C
300a00dd X descriptors:C
300a0196 X descriptors:C
300a01a6 X descriptors:C
300a01b2 X descriptors:C
300a0216 X device:K
300a022c D full-dates:K modified-dates:C
300a022e D full-dates:K modified-dates:C
300a02eb X descriptors:C
300a0608 D descriptors:C
300a0609 U uids:K
300a0611 Z
300a0615 Z
300a0619 D descriptors:C
300a0623 D descriptors:C
300a062a D descriptors:C
300a0650 U uids:K
300a0676 X descriptors:C
300a067c D descriptors:C
300a067d Z descriptors:C
300a0700 U uids:K
300a0734 D descriptors:C
300a0736 D full-dates:K modified-dates:C
300a073a D full-dates:K modified-dates:C
300a0741 D full-dates:K modified-dates:C
300a0742 D descriptors:C
300a0760 D full-dates:K modified-dates:C
300a0783 D descriptors:C
300a0785 U uids:K
300a078e X descriptors:C
300a0792 X descriptors:C
300a0794 X descriptors:C
300a079a X descriptors:C
300c0113 X descriptors:C
300c0127 D device:K full-dates:K modified-dates:C
300e0004 Z full-dates:K modified-dates:C
300e0005 Z full-dates:K modified-dates:C
300e0008 X/Z
30100006 U uids:K
3010000b U uids:K
3010000f Z descriptors:C
30100013 U uids:K
30100015 U uids:K
30100017 Z descriptors:C
3010001b Z
3010002d D device:K
30100031 U uids:K
30100033 D descriptors:C
30100034 D descriptors:C
30100035 D descriptors:C
30100036 X descriptors:C
30100037 X descriptors:C
30100038 D descriptors:C
3010003b U uids:K
30100043 Z device:K
3010004c X/D full-dates:K modified-dates:C
3010004d X/D full-dates:K modified-dates:C
30100054 D descriptors:C
30100056 X/D descriptors:C
3010005a Z descriptors:C
3010005c Z descriptors:C
30100061 X descriptors:C
3010006e U uids:K
3010006f U uids:K
30100077 X/D descriptors:C
3010007a Z descriptors:C
3010007b Z descriptors:C
3010007f Z descriptors:C
30100081 Z descriptors:C
30100085 X full-dates:K modified-dates:C
40000010 X
40004000 X
40080040 X
40080042 X
40080100 X full-dates:K modified-dates:C
40080101 X full-dates:K modified-dates:C
40080102 X
40080108 X full-dates:K modified-dates:C
40080109 X full-dates:K modified-dates:C
4008010a X
4008010b X descriptors:C
4008010c X
40080111 X
40080112 X full-dates:K modified-dates:C
40080113 X full-dates:K modified-dates:C
40080114 X
40080115 X descriptors:C
40080118 X
40080119 X
4008011a X
40080200 X
40080202 X
40080300 X descriptors:C
40084000 X descriptors:C
50xxxxxx X graphics:C
60xx3000 X graphics:C
60xx4000 X graphics:C
fffafffa X
fffcfffc X
private X safe-private:C
`;
